// Compressed streams between a hub and peers over real iroh: used only if both sides want them, and no frame can harm
// the hub. The far side is the raw binding where a test has to control the bytes.
import { afterAll, beforeAll, expect, spyOn, test } from "bun:test";
import fc from "fast-check";
import { teamPolicy } from "../../src/hub/admission.ts";
import { newSecret } from "../../src/invite/secret.ts";
import { FrameSplitter, writeRawHead, writeZstdHead } from "../../src/protocol/frames.ts";
import { ACCEPTED, FRAMED, REFUSED } from "../../src/protocol/stream-header.ts";
import { Connection } from "../../src/transport/connection.ts";
import { cases } from "../support/cases.ts";
import { Puppet, type PuppetServer } from "../support/puppet.ts";
import { header, hello, type RawConnection, RawPeer } from "../support/raw-peer.ts";
import { LOOPBACK, type RunningHub, startHub, startPeer } from "../support/tunnel.ts";

const SECRET = newSecret();
const TEXT = "export const answer = (question) => question * 42;\n".repeat(400);

let puppet: Puppet;
let service: PuppetServer;
let hub: RunningHub;
let plainHub: RunningHub;
let raw: RawPeer;

beforeAll(async () => {
	puppet = new Puppet();
	service = await puppet.listen();
	hub = await startHub([service.port], LOOPBACK, teamPolicy(SECRET));
	plainHub = await startHub([service.port], LOOPBACK, teamPolicy(SECRET), { compress: false });
	raw = await RawPeer.make();
});

afterAll(async () => {
	await Promise.all([hub.stop(), plainHub.stop()]);
	await raw[Symbol.asyncDispose]();
	await puppet[Symbol.asyncDispose]();
});

/** A connection that is admitted, whose hello has these keys, too; and whether the hub takes compressed streams. */
async function admitted(to: RunningHub, more: object): Promise<[RawConnection, boolean | undefined]> {
	const connection = await raw.connect(to.ticket);
	const control = await connection.control(hello(SECRET, more));
	const { zstd } = await control.until("welcome");
	return [connection, zstd];
}

function zstdFrame(text: string): Buffer {
	const packed = Bun.zstdCompressSync(Buffer.from(text));
	const head = new Uint8Array(5);
	writeZstdHead(head, text.length, packed.length);
	return Buffer.concat([head, packed]);
}

function rawFrame(text: string, size = text.length): Buffer {
	const head = new Uint8Array(4);
	writeRawHead(head, size);
	return Buffer.concat([head, Buffer.from(text)]);
}

/** The data of these frames. */
function unframed(bytes: Uint8Array): string {
	const frames = new FrameSplitter();
	frames.push(bytes);
	let text = "";
	for (let frame = frames.next(); frame; frame = frames.next()) {
		text += Buffer.from(frame.kind === "raw" ? frame.data : Bun.zstdDecompressSync(frame.packed)).toString();
	}
	expect(frames.mayEnd).toBe(true);
	return text;
}

test("a stream with the high bit set carries frames both ways, and the service sees nothing of them", async () => {
	const [connection, zstd] = await admitted(hub, { zstd: true });
	expect(zstd).toBe(true);
	// A raw frame that announces more than there will be.
	const bi = await connection.open([...header(1 | FRAMED), ...zstdFrame(TEXT), ...rawFrame("and an end", 5000)], true);
	const socket = await service.accept();
	const { received, head } = await socket.ended();
	expect([received, head.slice(0, 50)]).toEqual([TEXT.length + 10, TEXT.slice(0, 50)]);
	await socket.write(TEXT);
	await socket.end();
	const [answer, ...frames] = [...(await bi.recv.readToEnd(100_000))];
	expect(answer).toBe(ACCEPTED);
	expect(frames.length).toBeLessThan(TEXT.length / 4);
	expect(unframed(Buffer.from(frames))).toBe(TEXT);
	connection.close();
});

test.each([
	["that has not said that it can", () => hub, {}, true],
	["whose hub was told not to", () => plainHub, { zstd: true }, undefined],
])("a compressed stream of a peer %s is refused, and the plain one works", async (_, to, more, zstd) => {
	const [connection, said] = await admitted(to(), more);
	expect(said).toBe(zstd);
	expect(await connection.answer(header(1 | FRAMED), true)).toEqual([REFUSED]);
	const bi = await connection.open(header(1, "plain"), true);
	const socket = await service.accept();
	expect((await socket.ended()).head).toBe("plain");
	await socket.write("answer");
	await socket.end();
	expect([...(await bi.recv.readToEnd(100))]).toEqual([ACCEPTED, ...Buffer.from("answer")]);
	connection.close();
});

test("there is no compressed control stream", async () => {
	const [connection] = await admitted(hub, { zstd: true });
	expect(await connection.answer(header(0 | FRAMED), true)).toEqual([REFUSED]);
	connection.close();
});

test.each([
	["if both sides want it", () => hub, true, 1 | FRAMED],
	["unless the peer was told not to", () => hub, false, 1],
	["unless the hub was told not to", () => plainHub, true, 1],
])("a peer of ours compresses %s", async (_, to, compress, portId) => {
	using opened = spyOn(Connection.prototype, "openStream");
	await using peer = await startPeer(to().ticket, LOOPBACK, { compress });
	const client = await puppet.connect(peer.ports[0] as number);
	const socket = await service.accept();
	await client.write(TEXT.slice(0, 1000));
	expect((await socket.received(1000)).head.slice(0, 50)).toBe(TEXT.slice(0, 50));
	expect(opened.mock.calls.map(([id]) => id)).toEqual([0, portId]);
	await Promise.all([client.end(), socket.end()]);
	await Promise.all([client.closed(), socket.closed()]);
});

test(
	"any bytes as frames are data, or reset the stream and its connection to the service, and the hub goes on",
	async () => {
		const [connection] = await admitted(hub, { zstd: true });
		const start = fc.constantFrom(Buffer.alloc(0), zstdFrame(TEXT).subarray(0, 20), zstdFrame(TEXT), rawFrame("x", 9));
		await fc.assert(
			fc.asyncProperty(start, fc.uint8Array({ maxLength: 60 }), async (begin, rest) => {
				const bi = await connection.open([...header(1 | FRAMED), ...begin, ...rest], true);
				const socket = await service.accept();
				// A reset ends both directions; after a clean end the service ends its own.
				if (!(await socket.ended()).closed) await socket.end();
				const answer = await bi.recv.readToEnd(100).catch((error: Error) => error.message);
				expect(typeof answer === "string" ? answer : answer[0]).toBeOneOf([
					ACCEPTED,
					expect.stringContaining("Reset(1)"),
				]);
				connection.forget(bi);
			}),
			{ numRuns: cases(100) },
		);
		expect(connection.native.closeReason()).toBeNull();
		connection.close();
	},
	60_000 + cases(100) * 50,
);
