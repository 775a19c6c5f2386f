// The error class and the table of exit statuses.
import { expect, test } from "bun:test";
import { EXIT_STATUS, firstLine, HivemindError, systemCode } from "../../../src/base/errors.ts";

test("exit statuses never change: scripts depend on them", () => {
	expect(Object.fromEntries(Object.entries(EXIT_STATUS).map(([code, { status }]) => [code, status]))).toEqual({
		ok: 0,
		internal: 1,
		usage: 2,
		ticket: 3,
		listen: 4,
		bind: 5,
		unreachable: 6,
		alpn: 7,
		lost: 8,
		addon: 9,
		check: 10,
		code: 11,
		nobody: 12,
		mailbox: 13,
		denied: 14,
		identity: 15,
		file: 16,
	});
});

test("no two exit statuses are equal, and none looks like a signal", () => {
	const statuses = Object.values(EXIT_STATUS).map(({ status }) => status);
	expect(new Set<number>(statuses).size).toBe(statuses.length);
	expect(Math.max(...statuses)).toBeLessThan(126);
});

test("an error carries code, hint and cause", () => {
	const cause = new Error("below");
	const error = new HivemindError("listen", "above", { hint: "do this", cause });
	expect(error).toMatchObject({ name: "HivemindError", code: "listen", message: "above", hint: "do this", cause });
	expect(error).toBeInstanceOf(Error);
	expect(new HivemindError("usage", "x").hint).toBeUndefined();
});

test("the first line of anything thrown is text", () => {
	expect(firstLine(new Error("one\ntwo"))).toBe("one");
	expect(firstLine("  plain \nmore")).toBe("plain");
	expect(firstLine(undefined)).toBe("undefined");
	expect(firstLine(null)).toBe("null");
	expect(firstLine(new Error(""))).toBe("");
});

test("the system error code of anything thrown is text", () => {
	expect(systemCode(Object.assign(new Error("x"), { code: "EADDRINUSE" }))).toBe("EADDRINUSE");
	for (const odd of [null, undefined, 5, "x", {}, { code: 7 }, new Error("x")]) expect(systemCode(odd)).toBe("");
});
