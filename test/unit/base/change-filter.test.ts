// What is said once until it changes.
import { expect, test } from "bun:test";
import { ChangeFilter } from "../../../src/base/change-filter.ts";

test("the same is said once, a change at once, and each thing on its own", () => {
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

test("the first value is always news, also undefined", () => {
	const filter = new ChangeFilter<undefined>();
	expect(filter.changed("a", undefined)).toBe(true);
	expect(filter.changed("a", undefined)).toBe(false);
});

test("what is forgotten is news again", () => {
	const filter = new ChangeFilter<number>();
	filter.changed("a", 1);
	filter.forget("a");
	expect(filter.changed("a", 1)).toBe(true);
});
