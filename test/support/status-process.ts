// A status server in a process of its own, so that its memory can be measured: prints its URL, then for each line on
// standard input has some events of 10 KB, and prints its resident memory.
import { startStatusServer } from "../../src/status/server.ts";
import { FakeSource, hubSnapshot, PEER_ID } from "./status-source.ts";

/** Events for one line: far fewer than may wait for a client. */
export const EVENTS_AT_ONCE = 20;
export const EVENT_BYTES = 10_000;

if (import.meta.main) {
	const source = new FakeSource(hubSnapshot());
	const server = startStatusServer({ address: { host: "127.0.0.1", port: 0 }, source });
	console.log(server.url);
	for await (const _ of console) {
		for (let i = 0; i < EVENTS_AT_ONCE; i++) {
			source.emit({ event: "peer_joined", peer: { id: PEER_ID, name: "x".repeat(EVENT_BYTES) } });
		}
		console.log(process.memoryUsage.rss());
	}
	await server.stop();
}
