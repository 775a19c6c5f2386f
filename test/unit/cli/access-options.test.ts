// The options about identity and admission: what they accept, and how mistakes are reported.
import { afterEach, beforeEach, describe, expect, setSystemTime, test } from "bun:test";
import { readPolicy } from "../../../src/cli/access-options.ts";
import { MAX_PEERS_MAX } from "../../../src/cli/limits.ts";
import { MAX_PEERS } from "../../../src/hub/limits.ts";
import type { Identity } from "../../../src/invite/identity.ts";
import { isSecret } from "../../../src/invite/secret.ts";
import { thrown } from "../../support/throws.ts";

const NOW = Date.UTC(2026, 0, 1);
const ID = "0123456789abcdef".repeat(4);

beforeEach(() => {
	setSystemTime(NOW);
});
afterEach(() => {
	setSystemTime();
});

const NONE = { open: false, allow: [], "max-peers": String(MAX_PEERS), once: false };
const policy = (options: Partial<Parameters<typeof readPolicy>[0]> = {}, identity?: Identity) =>
	readPolicy({ ...NONE, ...options })(identity);

test("without options: a new secret each time, the default number of peers, and no expiry", () => {
	const one = policy();
	expect(one).toEqual({
		secret: expect.any(String),
		allow: undefined,
		maxPeers: MAX_PEERS,
		once: false,
		expiresAt: undefined,
	});
	expect(isSecret(one.secret as string)).toBe(true);
	expect(policy().secret).not.toBe(one.secret);
});

test("the secret is the identity's; with --open there is none, with or without an identity", () => {
	const identity: Identity = { key: new Uint8Array(32), secret: "a".repeat(26), lock: "held", close() {} };
	expect(policy({}, identity).secret).toBe(identity.secret);
	expect(policy({ open: true }).secret).toBeUndefined();
	expect(policy({ open: true }, identity).secret).toBeUndefined();
});

describe("--expires", () => {
	test.each([
		["1s", 1000],
		["45s", 45_000],
		["30m", 30 * 60_000],
		["2h", 2 * 3_600_000],
		["1d", 86_400_000],
		["20d", 20 * 86_400_000],
		["007s", 7000],
	])("%s", (text, ms) => {
		expect(policy({ expires: text }).expiresAt).toBe(NOW + ms);
	});

	test.each([
		"",
		"0s",
		"00d",
		"5",
		"s",
		"-1s",
		"+1s",
		"1.5h",
		"1 h",
		"1h30m",
		"2H",
		"1w",
		"21d",
		"1e3s",
		"１s",
		"9999999s",
		"1s\t",
	])("'%s' is not a duration", (text) => {
		const { message, hint } = thrown("usage", () => policy({ expires: text }));
		expect(message).toMatch(/^--expires: '.*' is (not a duration|longer than 20 days)\.$/);
		expect(hint).toContain("2h");
	});
});

describe("--max-peers", () => {
	test.each(["1", "32", "032", String(MAX_PEERS_MAX)])("%s", (text) => {
		expect(policy({ "max-peers": text }).maxPeers).toBe(Number(text));
	});

	test.each(["", "0", "-1", "1.0", "1e2", "0x10", " 5", "5\t", "many", String(MAX_PEERS_MAX + 1), "9".repeat(30)])(
		"'%s' is not a number of peers",
		(text) => {
			expect(thrown("usage", () => policy({ "max-peers": text })).message).toContain(`from 1 to ${MAX_PEERS_MAX}`);
		},
	);
});

describe("--allow", () => {
	test("takes several ids, and ignores duplicates", () => {
		const other = ID.replaceAll("0", "f");
		expect(policy({ allow: [ID, other, ID] }).allow).toEqual(new Set([ID, other]));
	});

	test.each(["", ID.slice(1), `${ID}0`, ID.replace("a", "g"), `${ID}\t`, ` ${ID}`, ID.slice(0, 10)])(
		"'%s' is not a public id",
		(id) => {
			const { message, hint } = thrown("usage", () => policy({ allow: [ID, id] }));
			expect(message).toStartWith("--allow: '");
			expect(hint).toContain("identity <FILE>");
		},
	);
});
