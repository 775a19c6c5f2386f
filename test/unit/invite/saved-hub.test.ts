// A saved hub as the text of a file, and its alias, which is a file's name and a word on the command line.
import { describe, expect, test } from "bun:test";
import { ALIAS_MAX, SAVED_HUB_MAX, TICKET_MAX } from "../../../src/invite/limits.ts";
import { aliasOf, decodeSavedHub, encodeSavedHub, isAlias, numberedAlias } from "../../../src/invite/saved-hub.ts";
import { NAME_MAX } from "../../../src/protocol/limits.ts";
import { savedHub } from "../../support/saved-hub.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = encodeSavedHub(savedHub());

test("a file says all that is known of the hub", () => {
	expect(decodeSavedHub(bytes(text))).toEqual(savedHub());
	expect(text).toStartWith("hivemind-p2p saved hub 1: keep this file secret\n");
});

test.each([
	["a hub that has not said whether its ticket lasts", { lasting: undefined }],
	["a hub whose ticket ends with it", { lasting: false }],
	["a hub without a name", { name: "" }],
	["a hub with a name in another script", { name: "Кухня 厨房 🍔" }],
	["a ticket without a secret", { ticket: `endpoint${"a".repeat(100)}` }],
])("%s", (_, more) => {
	expect(decodeSavedHub(bytes(encodeSavedHub(savedHub(more))))).toEqual(savedHub(more));
});

test("the longest entry fits into what is read of a file", () => {
	const longest = savedHub({ name: "🍔".repeat(NAME_MAX), ticket: `endpoint${"a".repeat(TICKET_MAX + 19)}` });
	expect(bytes(encodeSavedHub(longest)).length).toBeLessThan(SAVED_HUB_MAX);
});

test.each([
	["nothing", ""],
	["another program's file", "-----BEGIN PRIVATE KEY-----\n"],
	[
		"an identity file",
		`hivemind-p2p identity 1: keep this file secret\nkey ${"07".repeat(32)}\nsecret ${"a".repeat(26)}\n`,
	],
	["cut short", text.slice(0, -1)],
	["a later version", text.replace("hub 1:", "hub 2:")],
	["a line after it", `${text}# mine\n`],
	["the file twice", text + text],
	["Windows line ends", text.replaceAll("\n", "\r\n")],
	["a byte order mark", `\ufeff${text}`],
	["no name", text.replace(/name .*\n/, "")],
	["a name with control characters", text.replace("My hub", "My\x1b[31mhub")],
	["a name that is too long", text.replace("My hub", "x".repeat(NAME_MAX + 2))],
	["a public id in capitals", text.replace(/5e/g, "5E")],
	["a key that is too short", text.replace("07", "")],
	["a ticket with a space", text.replace("ticket endpoint", "ticket endpoint ")],
	["not a ticket", text.replace("ticket endpoint", "ticket ")],
	["a date that is none", text.replace("2020-11-26", "2020-13-26")],
	["a date in another spelling", text.replace("2020-11-26T", "2020-11-26 ")],
	["a date in a year of six digits", text.replace(/used .*/, "used +275760-09-13T00:00:00.000Z")],
	["no date", text.replace(/used .*/, "used ")],
	["an answer that is none", text.replace("lasting yes", "lasting maybe")],
])("not a saved hub: %s", (_, content) => {
	expect(decodeSavedHub(bytes(content))).toBeUndefined();
});

test("bytes that are not UTF-8 are not a saved hub", () => {
	expect(decodeSavedHub(Buffer.from(text.replace("My hub", "\xff"), "latin1"))).toBeUndefined();
});

describe("aliases", () => {
	test.each(["shop", "a", "7", "my-hub", "my_hub.2", "a".repeat(ALIAS_MAX), "confetti", "com", "lpt10"])(
		"%s",
		(alias) => {
			expect(isAlias(alias)).toBe(true);
		},
	);

	test.each([
		["empty", ""],
		["a folder", ".."],
		["a path", "a/b"],
		["a path on Windows", "a\\b"],
		["hidden", ".shop"],
		["like an option", "-shop"],
		["in capitals", "Shop"],
		["a letter that is not ASCII", "küche"],
		["a blank", "my hub"],
		["a dot at its end, which Windows drops", "shop."],
		["a line break at its end", "shop\n"],
		["a null byte", "shop\0"],
		["too long", "a".repeat(ALIAS_MAX + 1)],
		["a device of Windows", "con"],
		["a device of Windows with an extension", "nul.txt"],
		["a port of Windows", "com1"],
	])("not one: %s", (_, text) => {
		expect(isAlias(text)).toBe(false);
	});

	test.each([
		["my-hub", "my-hub"],
		["My Shop (2nd floor)", "my-shop-2nd-floor"],
		["Café Zürich", "cafe-zurich"],
		["../../etc/passwd", "etc-passwd"],
		["@shop", "shop"],
		["厨房", "hub"],
		["", "hub"],
		["con", "hub"],
		["-._", "hub"],
		[`${"a".repeat(ALIAS_MAX - 1)} b`, "a".repeat(ALIAS_MAX - 1)],
	])("of a hub called %p: %s", (name, alias) => {
		expect(aliasOf(name)).toBe(alias);
	});

	test("one that is taken gets a number, and stays short enough", () => {
		expect(numberedAlias("shop", 2)).toBe("shop-2");
		expect(numberedAlias("a".repeat(ALIAS_MAX), 12)).toBe(`${"a".repeat(ALIAS_MAX - 3)}-12`);
	});
});
