// The bounds compared with each other: changing one must not make another one pointless.
import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const SRC = join(import.meta.dir, "../../src");
const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith("limits.ts"));
const modules: Record<string, number>[] = await Promise.all(files.map((path) => import(join(SRC, path))));
const limits = Object.assign({}, ...modules) as Record<string, number>;

function bound(name: string): number {
	const value = limits[name];
	if (value === undefined) throw new Error(`no bound is called ${name}`);
	return value;
}

test("each bound has one name, in one folder", () => {
	expect(files.length).toBeGreaterThan(5);
	expect(Object.keys(limits).length).toBe(modules.flatMap((module) => Object.keys(module)).length);
});

test("every bound is a positive, finite whole number", () => {
	for (const [name, value] of Object.entries(limits)) {
		const whole = name.endsWith("_GROWTH") || Number.isSafeInteger(value);
		expect(whole && Number.isFinite(value) && value > 0, name).toBe(true);
	}
});

test("chunk and read sizes fit each other and the budget", () => {
	expect(bound("READ_MIN")).toBeLessThanOrEqual(bound("CHUNK_MIN"));
	expect(bound("CHUNK_MIN")).toBeLessThan(bound("CHUNK_SHARED"));
	expect(bound("CHUNK_SHARED")).toBeLessThan(bound("CHUNK_MAX"));
	expect(bound("CHUNK_MAX")).toBeLessThanOrEqual(bound("BULK_BUDGET"));
	// A header and an answer fit into the first read.
	expect(bound("READ_MIN")).toBeGreaterThan(12);
});

test("a stalled reader holds less than 8 MB, and stopping takes less than Docker's 10 s", () => {
	expect(bound("SOCKET_QUEUE") + 2 * bound("CHUNK_MAX")).toBeLessThan(8 * 1024 * 1024);
	const ending = bound("DRAIN_MS") + bound("CLOSE_MS") + bound("FLUSH_STALL_MS");
	expect(ending).toBeLessThan(10_000);
	expect(bound("IDLE_MS")).toBeLessThan(bound("DRAIN_MS"));
});

test("a peer gives up before iroh does, and a reset's grace period stays short", () => {
	expect(bound("CONNECT_MS")).toBeLessThan(30_000);
	expect(bound("RESET_GRACE_MS")).toBeLessThanOrEqual(bound("RESET_GRACE_MAX_MS"));
	expect(bound("RESET_GRACE_MAX_MS")).toBeLessThanOrEqual(1000);
	expect(bound("SILENCE_MS")).toBeLessThan(bound("RELAY_MS"));
});

test("a hub looks at the marks of all local ports of a peer", () => {
	expect(2 * bound("SERVICES_MAX")).toBeLessThanOrEqual(bound("LISTENS_MAX"));
});

test("a connection has enough streams for a browser and a dev server", () => {
	expect(bound("STREAMS_PER_CONNECTION")).toBe(1024);
});
