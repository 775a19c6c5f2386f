// The service that all clients of the benchmark talk to, in a process of its own. It prints its port. A client's first
// byte says what it wants: `D` endless data, `U` an upload of which each MiB is confirmed with one byte, `E` an echo,
// `Q` one answer of 64 bytes and then a FIN.
const chunk = new Uint8Array(256 * 1024).fill(0x5a);

interface Mode {
	kind: string;
	got: number;
	out: Uint8Array;
}

const server = Bun.listen<Mode>({
	hostname: "127.0.0.1",
	port: 0,
	socket: {
		binaryType: "uint8array",
		open(socket) {
			socket.data = { kind: "", got: 0, out: new Uint8Array(0) };
			socket.setNoDelay(true);
		},
		data(socket, bytes: Uint8Array) {
			const mode = socket.data;
			let rest = bytes;
			if (mode.kind === "") {
				mode.kind = String.fromCharCode(bytes[0] as number);
				rest = bytes.subarray(1);
			}
			if (mode.kind === "D") pump(socket);
			else if (mode.kind === "E" && rest.length > 0) socket.write(rest);
			else if (mode.kind === "Q") {
				socket.write(chunk.subarray(0, 64));
				socket.shutdown();
			} else if (mode.kind === "U") {
				const before = Math.floor(mode.got / 1048576);
				mode.got += rest.length;
				const marks = Math.floor(mode.got / 1048576) - before;
				if (marks > 0) socket.write(chunk.subarray(0, marks));
			}
		},
		drain(socket) {
			if (socket.data.kind === "D") pump(socket);
		},
	},
});
console.log(server.port);

function pump(socket: Bun.Socket<Mode>): void {
	while (socket.write(chunk) === chunk.length);
}
