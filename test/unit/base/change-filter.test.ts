// Values that are reported once until they change.
import { expect, test } from "bun:test";
import { ChangeFilter } from "../../../src/base/change-filter.ts";

test("the same value is reported once, a change is reported at once, and each key counts by itself", () => {
	const filter = new ChangeFilter<boolean>();
	expect([true, true, false, false, true].map((up) => filter.changed("web", up))).toEqual([
		true,
		false,
		true,
		false,
		true,
	]);
	expect(filter.changed("api", true)).toBe(true);
	expect(filter.last("web")).toBe(true);
	expect(filter.last("mail")).toBeUndefined();
});

test("the first value is always a change, even if it is undefined", () => {
	const filter = new ChangeFilter<undefined>();
	expect(filter.changed("a", undefined)).toBe(true);
	expect(filter.changed("a", undefined)).toBe(false);
});

test("a forgotten key's next value is a change", () => {
	const filter = new ChangeFilter<number>();
	filter.changed("a", 1);
	filter.forget("a");
	expect(filter.changed("a", 1)).toBe(true);
});
