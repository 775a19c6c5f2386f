// The hub's side of the wire against peers that break the protocol: each is refused with one byte, and nobody else
// notices. The far side is the raw binding, so that the test controls every byte.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Endpoint as Native, RelayMode } from "@number0/iroh";
import { teamPolicy } from "../../src/hub/admission.ts";
import { HEADER_MS } from "../../src/hub/limits.ts";
import { ALPN, encodeHeader } from "../../src/protocol/stream-header.ts";
import { bindEndpoint, type Endpoint } from "../../src/transport/endpoint.ts";
import { type BiStream, type Connection, loadIroh, pin, unpin } from "../../src/transport/iroh.ts";
import { nativeBytes } from "../support/native-bytes.ts";
import { Puppet, type PuppetServer } from "../support/puppet.ts";
import { LOOPBACK, type RunningHub, startHub, startPeer } from "../support/tunnel.ts";

let puppet: Puppet;
let service: PuppetServer;
let hub: RunningHub;
let endpoint: InstanceType<typeof Native>;
let connection: Connection;

const header = (portId: number, text = ""): number[] => [...encodeHeader(portId), ...Buffer.from(text)];

/** A stream from a peer, with `bytes` as its first bytes. */
async function open(bytes: number[], finish = false): Promise<BiStream> {
	const bi = await connection.openBi();
	await bi.send.writeAll(nativeBytes(bytes));
	if (finish) await bi.send.finish();
	return bi;
}

/** Everything that the hub answers until the stream ends. */
async function answer(bi: BiStream): Promise<number[]> {
	const bytes = [...(await bi.recv.readToEnd(1000))];
	await bi.send.reset(0n).catch(() => {});
	return bytes;
}

beforeAll(async () => {
	puppet = new Puppet();
	service = await puppet.listen();
	// An open hub, because the raw far side sends no hello.
	hub = await startHub([service.port], LOOPBACK, teamPolicy(undefined));
	const { EndpointTicket } = await loadIroh();
	const builder = Native.builder();
	builder.applyMinimal();
	builder.relayMode(RelayMode.disabled());
	builder.bindAddr("127.0.0.1:0");
	builder.bindAddr("[::1]:0");
	endpoint = pin(await builder.bind());
	connection = pin(
		await endpoint.connect(EndpointTicket.fromString(hub.ticket).endpointAddr(), nativeBytes(ALPN.hivemind)),
	);
	// Once the hub answers, it has accepted the connection.
	await answer(await open(header(9)));
});

afterAll(async () => {
	connection.close(0n, nativeBytes());
	await endpoint.close();
	unpin(connection);
	unpin(endpoint);
	await hub.stop();
	await puppet[Symbol.asyncDispose]();
});

test("a valid header is answered with 0xff and the service's bytes, and nothing else", async () => {
	const bi = await open(header(1, "hello"));
	const socket = await service.accept();
	expect((await socket.received(5)).head).toBe("hello");
	await socket.write("world");
	await socket.end();
	await bi.send.finish();
	expect([...(await bi.recv.readToEnd(100))]).toEqual([0xff, ...Buffer.from("world")]);
	await socket.closed();
});

test("a header that arrives byte by byte is accepted", async () => {
	const bi = await connection.openBi();
	for (const byte of header(1)) await bi.send.writeAll(nativeBytes([byte]));
	const socket = await service.accept();
	expect([...(await bi.recv.readExact(1))]).toEqual([0xff]);
	await socket.end();
	await bi.send.finish();
	await socket.closed();
	await bi.recv.readToEnd(1);
});

test.each([
	["an unknown port id", header(0x04)],
	["port id 255", header(0xff)],
	["a wrong magic", [1, ...Buffer.from("hivemindp2q")]],
	["another protocol's first bytes", [...Buffer.from("GET / HTTP/1.1\r\n\r\n")]],
])("%s is refused with 0x00", async (_, bytes) => {
	expect(await answer(await open(bytes))).toEqual([0x00]);
});

test.each([
	["no header at all", [] as number[]],
	["half a header", header(1).slice(0, 6)],
])("a stream that ends with %s is refused", async (_, bytes) => {
	expect(await answer(await open(bytes, true))).toEqual([0x00]);
});

test("a stream for a service that is down is refused with 0x00", async () => {
	expect(await answer(await open(header(2)))).toEqual([0x00]);
});

test(
	"a stream whose header never arrives is refused after a time limit, and holds nobody up",
	async () => {
		const slow = await open(header(1).slice(0, 5));
		const refused = answer(slow);
		const peer = await startPeer(hub.ticket);
		const client = await puppet.connect(peer.ports[0] as number);
		const socket = await service.accept();
		await client.write("quick");
		expect((await socket.received(5)).head).toBe("quick");
		await Promise.all([client.end(), socket.end()]);
		await Promise.all([client.closed(), socket.closed()]);
		await peer.stop();
		expect(await refused).toEqual([0x00]);
	},
	HEADER_MS + 10_000,
);

test("the hub works as before after 2,000 streams that were reset at once", async () => {
	for (let i = 0; i < 2000; i++) {
		const bi = await connection.openBi();
		await bi.send.writeAll(nativeBytes(header(i % 2 === 0 ? 1 : 9)));
		await bi.send.reset(7n);
		await bi.recv.stop(7n);
	}
	expect(await answer(await open(header(9)))).toEqual([0x00]);
});

test("a peer with another ALPN gets a clear error, and the hub goes on", async () => {
	const other: Endpoint = await bindEndpoint({ ...LOOPBACK, alpn: "federated-hivemind" });
	const { EndpointTicket } = await loadIroh();
	const address = EndpointTicket.fromString(hub.ticket).endpointAddr();
	const error = await other.connect(address).catch((reason: unknown) => reason);
	expect(error).toMatchObject({ code: "alpn" });
	await other.close();
	expect(await answer(await open(header(9)))).toEqual([0x00]);
});
