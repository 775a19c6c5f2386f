// The raw binding, for comparison: the same bytes through one QUIC stream between two processes, without TCP.
// `bun raw.ts` serves and prints its ticket; `bun raw.ts TICKET down|up BYTES` prints MB/s.
import { Endpoint, EndpointTicket, RelayMode } from "@number0/iroh";
import { nativeBytes } from "../support/native-bytes.ts";

const PIECE = 64 * 1024;
const ALPN = nativeBytes("RAW/1");
const piece = nativeBytes(new Uint8Array(PIECE).fill(0x5a));

const builder = Endpoint.builder();
builder.applyMinimal();
builder.relayMode(RelayMode.disabled());
builder.alpns([ALPN]);
builder.bindAddr("127.0.0.1:0");
builder.bindAddr("[::1]:0");
const endpoint = await builder.bind();
const [ticket, direction, size] = process.argv.slice(2);
if (ticket === undefined) await serve();
else await measure(ticket, direction as string, Number(size));

async function serve(): Promise<void> {
	console.log(EndpointTicket.fromAddr(endpoint.addr()).toString());
	for (;;) {
		const incoming = await endpoint.acceptNext();
		if (!incoming) return;
		const connection = await (await incoming.accept()).connect();
		const bi = await connection.acceptBi();
		const { send, recv } = { send: bi.send, recv: bi.recv };
		const [kind] = await recv.readExact(1);
		try {
			if (kind === 0x44) for (;;) await send.writeAll(piece);
			let got = 0;
			for (;;) {
				const before = Math.floor(got / 1048576);
				got += (await recv.read(PIECE)).length;
				const marks = Math.floor(got / 1048576) - before;
				if (marks > 0) await send.writeAll(piece.slice(0, marks));
			}
		} catch {
			// The client has measured enough and has closed the connection.
		}
	}
}

async function measure(text: string, way: string, bytes: number): Promise<void> {
	const connection = await endpoint.connect(EndpointTicket.fromString(text).endpointAddr(), ALPN);
	const bi = await connection.openBi();
	const { send, recv } = { send: bi.send, recv: bi.recv };
	await send.writeAll([way === "down" ? 0x44 : 0x55]);
	const start = performance.now();
	let got = 0;
	if (way === "down") while (got < bytes) got += (await recv.read(PIECE)).length;
	else {
		const wanted = Math.floor(bytes / 1048576);
		let writing = true;
		const written = (async () => {
			while (writing) await send.writeAll(piece);
		})().catch(() => {});
		while (got < wanted) got += (await recv.read(1024)).length;
		writing = false;
		got *= 1048576;
		void written;
	}
	console.log(got / 1e6 / ((performance.now() - start) / 1000));
	connection.close(0n, []);
	await endpoint.close();
	process.exit(0);
}
