// What a service's counters say while connections begin, move bytes and end.
import { expect, test } from "bun:test";
import { Meter } from "../../../src/forward/meter.ts";

test("bytes of running and of ended connections are counted once", () => {
	const meter = new Meter();
	const [first, second] = [meter.begin("web"), meter.begin("web")];
	Object.assign(first.traffic, { forth: 10, back: 1000 });
	Object.assign(second.traffic, { forth: 1, back: 2 });
	expect(meter.count("web")).toEqual({ open: 2, total: 2, toService: 11, fromService: 1002 });
	first.end();
	first.end();
	expect(meter.count("web")).toEqual({ open: 1, total: 2, toService: 11, fromService: 1002 });
	expect(meter.count("db"), "another service").toEqual({ open: 0, total: 0, toService: 0, fromService: 0 });
});
