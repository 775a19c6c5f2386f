// Which changes of a connection's path are reported, and when.
import { expect, test } from "bun:test";
import { PATH_SETTLE_MS } from "../../../src/transport/limits.ts";
import { type Path, PathWatch, pathText } from "../../../src/transport/path-watch.ts";

const RELAY: Path = { kind: "relay", address: "https://r/" };
const direct = (port: number): Path => ({ kind: "direct", address: `203.0.113.7:${port}` });

/** What a watch that looks every half second reports, and at which look, for the path at each look. */
function reported(first: Path | undefined, seen: readonly (Path | undefined)[]): string[] {
	const watch = new PathWatch(first);
	return seen.flatMap((path, i) => {
		const change = watch.look(path, i * 500);
		return change ? [`${i}: ${change.change} ${pathText(change.path)}`] : [];
	});
}

const times = <T>(count: number, item: T): T[] => Array(count).fill(item);
const SETTLE = PATH_SETTLE_MS / 500;

test("a relayed connection that becomes direct is reported once, when the path has lasted", () => {
	expect(reported(RELAY, [RELAY, ...times(20, direct(1))])).toEqual([`${1 + SETTLE}: kind direct 203.0.113.7:1`]);
});

test("a path that comes and goes is not reported", () => {
	const flap = [...times(SETTLE, direct(1)), RELAY];
	expect(reported(RELAY, times(10, flap).flat())).toEqual([]);
});

test("a direct path that is lost for good is reported as relayed", () => {
	expect(reported(direct(1), times(20, RELAY))).toEqual([`${SETTLE}: kind relay https://r/`]);
});

test("another port of a NAT is a change of the address only", () => {
	expect(reported(direct(1), times(20, direct(2)))).toEqual([`${SETTLE}: address direct 203.0.113.7:2`]);
});

test("an address that changes all the time does not hide that the connection is direct", () => {
	const seen = Array.from({ length: 20 }, (_, i) => direct(i));
	expect(reported(RELAY, seen)).toEqual([`${SETTLE}: kind direct 203.0.113.7:${SETTLE}`]);
});

test("the first path of a connection that had none when it was reported is reported", () => {
	expect(reported(undefined, [undefined, ...times(20, RELAY)])).toEqual([`${1 + SETTLE}: kind relay https://r/`]);
	expect(pathText(undefined)).toBe("path not known yet");
});

test("no path at all is not reported, and what was there before is the same as after", () => {
	expect(reported(RELAY, [...times(20, undefined), ...times(20, RELAY)])).toEqual([]);
});
