// A private certificate authority, a TLS server with a certificate of it, and an HTTP proxy.
import { connect, createServer as createTcp, type Server, type Socket } from "node:net";
import { createServer as createTls } from "node:tls";

export interface Authority {
	/** The folder of the files; `ca.pem` is the authority's own certificate. */
	folder: string;
	ca: string;
	/** Of a server called `localhost` and `mailbox.test`, PEM. */
	server: { key: string; cert: string };
}

/** Makes the files in a folder that exists. Needs the openssl command. */
export async function authority(folder: string): Promise<Authority> {
	const script = `
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=Private Test CA" -keyout ca.key -out ca.pem
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=mailbox" -keyout server.key -out server.csr
		echo "subjectAltName=DNS:localhost,DNS:mailbox.test" > names
		openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem`;
	const { exitCode, stderr } = Bun.spawnSync(["sh", "-ec", script], { cwd: folder, stdout: "ignore", stderr: "pipe" });
	if (exitCode !== 0) throw new Error(`openssl: ${stderr}`);
	const text = (name: string) => Bun.file(`${folder}/${name}`).text();
	return {
		folder,
		ca: `${folder}/ca.pem`,
		server: { key: await text("server.key"), cert: await text("server.pem") },
	};
}

export interface Front extends AsyncDisposable {
	port: number;
}

/** A TLS server that passes everything on to a port of this machine, like a reverse proxy. */
export function tlsFront(port: number, { server }: Authority): Promise<Front> {
	return listening(
		createTls(server, (socket) => pass(socket, port)).on("tlsClientError", () => {}) as unknown as Server,
	);
}

export interface ConnectProxy extends Front {
	/** The head of each request, without its last line end. */
	requests: string[];
}

/**
 * An HTTP proxy that takes CONNECT requests for any host, and leads them all to this machine. With `answer` it answers
 * that instead, for example "407 Proxy Authentication Required".
 */
export async function connectProxy(answer?: string): Promise<ConnectProxy> {
	const requests: string[] = [];
	const server = createTcp((socket) => {
		let head = "";
		const read = (data: Buffer) => {
			head += data.toString("latin1");
			const end = head.indexOf("\r\n\r\n");
			if (end < 0) return;
			socket.off("data", read);
			requests.push(head.slice(0, end));
			const port = /^CONNECT \S+:(\d+) HTTP/.exec(head)?.[1];
			if (answer !== undefined || !port) {
				socket.end(`HTTP/1.1 ${answer ?? "400 Bad Request"}\r\nContent-Length: 0\r\n\r\n`);
				return;
			}
			socket.write("HTTP/1.1 200 OK\r\n\r\n");
			pass(socket, Number(port));
		};
		socket.on("data", read).on("error", () => {});
	});
	return Object.assign(await listening(server), { requests });
}

// --- internal ---

function pass(socket: Socket, port: number): void {
	const target = connect(port, "127.0.0.1");
	for (const [from, to] of [
		[socket, target],
		[target, socket],
	] as const) {
		from.pipe(to);
		from.on("error", () => to.destroy());
	}
}

async function listening(server: Server): Promise<Front> {
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as { port: number };
	return {
		port,
		async [Symbol.asyncDispose]() {
			server.close();
		},
	};
}
