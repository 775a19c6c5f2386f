// What is told of an admitted peer's connection, with the time passed in. Which changes of a path are worth telling:
// path-watch.test.ts.
import { describe, expect, test } from "bun:test";
import { PeerWatch } from "../../../src/hub/peer-watch.ts";
import { PATH_SETTLE_MS } from "../../../src/transport/limits.ts";

const RELAY = { kind: "relay", address: "https://r/" } as const;
const DIRECT = { kind: "direct", address: "10.0.0.7:1" } as const;

describe("a peer that falls silent", () => {
	test("is told of once, if it comes through a relay, and again after it has answered", () => {
		const watch = new PeerWatch(RELAY);
		expect(watch.look(RELAY, false, 0)).toBeUndefined();
		expect(watch.look(RELAY, true, 1000)).toBe("relay_silent");
		expect(watch.look(RELAY, true, 2000)).toBeUndefined();
		expect(watch.look(RELAY, false, 3000)).toBeUndefined();
		expect(watch.look(RELAY, true, 4000)).toBe("relay_silent");
	});

	test("is not told of if its path is direct, or not known: no relay is to blame", () => {
		for (const path of [DIRECT, undefined]) expect(new PeerWatch(path).look(path, true, 0)).toBeUndefined();
	});
});

test("a path that a silent peer's connection tries is not told", () => {
	const watch = new PeerWatch(RELAY);
	expect(watch.look(DIRECT, false, 0)).toBeUndefined();
	expect(watch.look(DIRECT, true, 2 * PATH_SETTLE_MS)).toBeUndefined();
	expect(watch.look(DIRECT, false, 3 * PATH_SETTLE_MS)).toEqual({ change: "kind", path: DIRECT });
});
