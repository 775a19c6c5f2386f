// Loaded before every test file: a test that leaves a native handle or a socket open fails.
import { afterEach, beforeEach, expect } from "bun:test";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { liveHandles } from "../../src/iroh.ts";

// Log lines of refused streams and the like belong to the tests that cause them, not to the report.
if (!process.env.TEST_TALK) process.stderr.write = () => true;

let handles = 0;
let sockets = 0;

beforeEach(() => {
	handles = liveHandles();
	sockets = openSockets();
});

afterEach(async () => {
	// What ends on the wire ends a moment later here: an acknowledgement has to come back.
	const deadline = performance.now() + 3000;
	while (performance.now() < deadline && (liveHandles() > handles || openSockets() > sockets)) await Bun.sleep(5);
	expect(liveHandles() - handles, "native handles left open").toBeLessThanOrEqual(0);
	expect(openSockets() - sockets, "sockets left open").toBeLessThanOrEqual(0);
});

/** Open TCP sockets of this process, where the system tells. (iroh lets go of its UDP sockets a little later.) */
function openSockets(): number {
	if (process.platform !== "linux") return 0;
	const tcp = new Set<string>();
	for (const table of ["tcp", "tcp6"]) {
		for (const line of readFileSync(`/proc/self/net/${table}`, "utf8").split("\n").slice(1)) {
			const inode = line.trim().split(/\s+/)[9];
			if (inode) tcp.add(`socket:[${inode}]`);
		}
	}
	return readdirSync("/proc/self/fd").filter((fd) => {
		try {
			return tcp.has(readlinkSync(`/proc/self/fd/${fd}`));
		} catch {
			return false;
		}
	}).length;
}
