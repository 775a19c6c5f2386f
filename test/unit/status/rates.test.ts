// Bytes a second from counters.
import { expect, test } from "bun:test";
import { Rates } from "../../../src/status/rates.ts";

test("nothing is known at first, then the average of the window, and zero after a quiet one", () => {
	const rates = new Rates();
	const at = (seconds: number, toService: number, fromService: number) =>
		rates.next("web", { toService, fromService }, seconds * 1000);
	expect(at(0, 500, 0)).toEqual({ toService: 0, fromService: 0 });
	expect(at(1, 700, 3000)).toEqual({ toService: 200, fromService: 3000 });
	expect(at(2, 900, 3000)).toEqual({ toService: 200, fromService: 1500 });
	expect(at(3, 900, 3000)).toEqual({ toService: 100, fromService: 0 });
	expect(at(4, 900, 3000)).toEqual({ toService: 0, fromService: 0 });
	expect(rates.next("db", { toService: 9, fromService: 9 }, 4000), "another service").toEqual({
		toService: 0,
		fromService: 0,
	});
});
