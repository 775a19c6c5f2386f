// Loaded before every test file: a test that leaves a native handle or a socket open fails.
import { afterEach, beforeEach, expect } from "bun:test";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { stderr, stdout } from "../../src/base/output.ts";
import { liveHandles } from "../../src/transport/iroh.ts";
import { handlesSettle } from "./handles.ts";

// The program itself does not use process.stdout and process.stderr. Tests watch what is printed there.
stdout.write = (text) => void process.stdout.write(text);
stderr.write = (text) => void process.stderr.write(text);

// What hubs and peers print does not belong in the test report. TEST_TALK=1 shows it.
if (!process.env.TEST_TALK) process.stderr.write = () => true;

let handles = 0;
let sockets = 0;

beforeEach(() => {
	handles = liveHandles();
	sockets = openSockets();
});

afterEach(async () => {
	await handlesSettle(handles, () => openSockets() <= sockets);
	expect(liveHandles() - handles, "native handles left open").toBeLessThanOrEqual(0);
	expect(openSockets() - sockets, "sockets left open").toBeLessThanOrEqual(0);
});

/** The sockets that were open at the last look, and whether each is a TCP socket, which never changes. */
let known = new Map<string, boolean>();

/** Open TCP sockets of this process; 0 where the system cannot tell. (iroh releases its UDP sockets a little later.) */
function openSockets(): number {
	if (process.platform !== "linux") return 0;
	const open = readdirSync("/proc/self/fd").map(target).filter(isSocket);
	// Reading the system's tables takes 12 ms (measured), too much for every test.
	const tcp = open.every((socket) => known.has(socket)) ? undefined : tcpSockets();
	known = new Map(open.map((socket) => [socket, known.get(socket) ?? tcp?.has(socket) ?? false]));
	return open.filter((socket) => known.get(socket)).length;
}

const isSocket = (link: string): boolean => link.startsWith("socket:");

/** What a descriptor refers to; "" if it is closed by now, like the one that the listing itself used. */
function target(fd: string): string {
	try {
		return readlinkSync(`/proc/self/fd/${fd}`);
	} catch {
		return "";
	}
}

function tcpSockets(): Set<string> {
	const tables = ["tcp", "tcp6"].map((table) => readFileSync(`/proc/self/net/${table}`, "utf8"));
	const rows = tables.flatMap((table) => table.trim().split("\n").slice(1));
	return new Set(rows.map((row) => `socket:[${row.trim().split(/\s+/)[9]}]`));
}
