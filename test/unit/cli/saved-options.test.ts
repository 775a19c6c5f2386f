// --save and the aliases of saved hubs, as people type them.
import { expect, test } from "bun:test";
import { HivemindError } from "../../../src/base/errors.ts";
import { errorText, noSuchHub, readAlias, SAVE } from "../../../src/cli/saved-options.ts";
import { thrown } from "../../support/throws.ts";

test.each(["shop", "@shop", "Shop", "my hub", "5hop", "my-peer", "café"])(
	"the word behind --save is the alias: %s",
	(word) => {
		expect(SAVE.save.next.test(word)).toBe(true);
	},
);

test.each([
	["a join code", "5-hamburger-endorse"],
	["a join code with spaces", "5 hamburger endorse"],
	["a join code with underscores", "5_hamburger_endorse"],
	["a join code with a dash", "5–hamburger–endorse"],
	["the first part of a join code", "5"],
	["a ticket", `endpoint${"a".repeat(100)}.${"a".repeat(26)}`],
	["a ticket in capitals", `ENDPOINT${"A".repeat(100)}`],
	["standard input", "-"],
	["nothing", ""],
])("the word behind --save is not the alias: %s", (_, word) => {
	expect(SAVE.save.next.test(word)).toBe(false);
});

test("an alias may be written with its @", () => {
	expect(readAlias("@shop")).toBe("shop");
	expect(readAlias("shop")).toBe("shop");
	expect(readAlias(true)).toBeUndefined();
});

test.each([
	["Shop", "shop"],
	["my hub", "my-hub"],
	["../../etc/passwd", "etc-passwd"],
	["@@shop", "shop"],
	["a\nb", "a-b"],
])("%p cannot be an alias, but %s could", (word, alias) => {
	const error = thrown("usage", () => readAlias(word.replaceAll("\n", " ")));
	expect(error.message).toBe(`--save: '${word.replaceAll("\n", " ")}' cannot be an alias.`);
	expect(error.hint).toContain(`as in '${alias}'`);
});

test("an unknown alias is named, with the nearest one, or how to find one", () => {
	expect(noSuchHub("shp", ["office", "shop"])).toMatchObject({
		code: "usage",
		message: "No hub is saved as '@shp'.",
		hint: "Did you mean '@shop'?",
	});
	expect(noSuchHub("kitchen", ["shop"]).hint).toBe("'hivemind-p2p hubs' lists those that are.");
	expect(noSuchHub("kitchen", []).hint).toContain("--save");
});

test("an error is said with what to do about it", () => {
	expect(errorText(new HivemindError("identity", "It broke.", { hint: "Mend it." }))).toBe("It broke. Mend it.");
	expect(errorText(new HivemindError("identity", "It broke."))).toBe("It broke.");
	expect(errorText(new Error("what"))).toBe("Error: what");
});
