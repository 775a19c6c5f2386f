// Who may ask the status server: addresses and tokens, hosts and origins, cookies, and guesses.
import { describe, expect, test } from "bun:test";
import { parseAddress } from "../../../src/base/address.ts";
import { Access, checkStatusAddress, type Grant, type Refusal } from "../../../src/status/access.ts";
import { STATUS_TOKEN_MAX, TOKEN_TRIES_BURST } from "../../../src/status/limits.ts";
import { thrown } from "../../support/throws.ts";

const LOCAL = parseAddress("127.0.0.1:4040", "");
const TOKEN = "correct-horse+battery/staple=";

const asked = (headers: Record<string, string>) =>
	new Request("http://x/", { headers: { host: "localhost", ...headers } });

/** What a request with these headers is granted, or the status with which it is refused. */
function ask(access: Access, headers: Record<string, string> = {}, from = "127.0.0.1"): Grant | number {
	return verdict(access.judge(asked(headers), from));
}

const verdict = (judged: Grant | Refusal) => ("status" in judged ? judged.status : judged);

describe("an address", () => {
	test.each(["127.0.0.1:4040", "127.9.9.9:0", "[::1]:4040", "localhost:4040"])("%s needs no token", (text) => {
		checkStatusAddress(parseAddress(text, ""), undefined);
	});

	test.each(["0.0.0.0:4040", "[::]:4040", "192.168.1.10:4040", "my-host:4040", "127.0.0.1.example:4040"])(
		"%s needs one",
		(text) => {
			const address = parseAddress(text, "");
			expect(thrown("usage", () => checkStatusAddress(address, undefined)).message).toContain("--status-token");
			checkStatusAddress(address, TOKEN);
		},
	);

	test.each([["", "a b", "ü", "a\n", "x".repeat(STATUS_TOKEN_MAX + 1)]])(
		"a token that no header can have: %j",
		(token) => {
			expect(thrown("usage", () => checkStatusAddress(LOCAL, token)).message).toStartWith("--status-token: ");
		},
	);
});

describe("a Host", () => {
	const local = new Access(LOCAL, undefined);

	test.each([
		"localhost",
		"LOCALHOST:4040",
		"localhost:8080",
		"127.0.0.1",
		"127.0.0.1:4040",
		"127.1.2.3:1",
		"[::1]",
		"[::1]:4040",
	])("%s is loopback", (host) => {
		expect(ask(local, { host })).toEqual({ secrets: false });
	});

	test.each([
		"evil.example",
		"evil.example:4040",
		"localhost.evil.example",
		"127.0.0.1.evil.example:4040",
		"192.168.1.10:4040",
		"0.0.0.0:4040",
		"localhost.",
	])("%s is another site's", (host) => {
		expect(ask(local, { host })).toBe(403);
	});

	test.each([
		"",
		" ",
		"a b",
		"]:[",
		"::1",
		"localhost:",
		"localhost:99999",
		"user@localhost",
		"localhost/x",
		"a, b",
		"café",
		"[::1",
	])("'%s' is no host", (host) => {
		const request = { headers: { get: (name: string) => (name === "host" ? host : null) } } as unknown as Request;
		expect(verdict(local.judge(request, ""))).toBe(400);
		const without = { headers: { get: () => null } } as unknown as Request;
		expect(verdict(local.judge(without, ""))).toBe(400);
	});

	test("is also the address that was asked for; on every address, any address, but no other name", () => {
		const own = (bound: string, host: string) =>
			ask(new Access(parseAddress(bound, ""), TOKEN), { host, authorization: `Bearer ${TOKEN}` });
		expect(own("192.168.1.10:4040", "192.168.1.10:4040")).toEqual({ secrets: true });
		expect(own("hub:4040", "HUB:4040")).toEqual({ secrets: true });
		expect(own("[2001:db8::1]:4040", "[2001:DB8:0::1]")).toEqual({ secrets: true });
		expect(own("0.0.0.0:4040", "10.1.2.3:4040")).toEqual({ secrets: true });
		expect(own("[::]:4040", "[fd00::1]:4040")).toEqual({ secrets: true });
		expect(own("192.168.1.10:4040", "192.168.1.11:4040")).toBe(403);
		// A name may be rebound to this machine.
		expect(own("0.0.0.0:4040", "evil.example:4040")).toBe(403);
	});
});

describe("a web page", () => {
	const local = new Access(LOCAL, undefined);
	const host = "127.0.0.1:4040";

	test.each([
		[{ origin: "http://127.0.0.1:4040" }, true],
		[{ "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" }, true],
		[{ "sec-fetch-site": "none", "sec-fetch-mode": "navigate" }, true],
		// A link on another page leads here; that page sees nothing of it.
		[{ "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }, true],
		[{ origin: "http://evil.example" }, false],
		[{ origin: "null" }, false],
		// A tunneled page on another port of this machine is another site, too.
		[{ origin: "http://127.0.0.1:3000" }, false],
		[{ origin: "http://127.0.0.1:4040.evil.example" }, false],
		[{ "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }, false],
		[{ "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors" }, false],
	] as [Record<string, string>, boolean][])("%j may ask: %p", (headers, allowed) => {
		expect(ask(local, { host, ...headers })).toEqual(allowed ? { secrets: false } : 403);
	});
});

describe("without a token", () => {
	const access = new Access(LOCAL, undefined);
	const madeUp = access.madeUp as string;

	test("one is made up, with which secrets are shown", () => {
		// Also as a word of a command line, where a dash would make it an option.
		expect(madeUp).toMatch(/^[0-9a-f]{32}$/);
		expect(new Access(LOCAL, undefined).madeUp).not.toBe(madeUp);
		expect(ask(access)).toEqual({ secrets: false });
		expect(ask(access, { authorization: `Bearer ${madeUp}` })).toEqual({ secrets: true });
		expect(ask(access, { authorization: `bearer  ${madeUp}` })).toEqual({ secrets: true });
	});

	test.each(["Bearer wrong", "Bearer ", "Basic eDp5", "", "Bearer a b"])(
		"a wrong one is refused: '%s'",
		(authorization) => {
			expect(ask(new Access(LOCAL, undefined), { authorization })).toBe(401);
		},
	);
});

describe("with a token", () => {
	test("nothing is shown without it", () => {
		const access = new Access(LOCAL, TOKEN);
		expect(access.madeUp).toBeUndefined();
		expect(ask(access)).toBe(401);
		expect(ask(access, { authorization: `Bearer ${TOKEN}x` })).toBe(401);
		expect(ask(access, { authorization: `Bearer ${TOKEN}` })).toEqual({ secrets: true });
	});

	test("a browser gets a cookie that is not the token, for this port, and only for this run", () => {
		const access = new Access(LOCAL, TOKEN);
		const login = access.logIn(asked({}), TOKEN, "a") as { cookie: string };
		expect(login.cookie).toMatch(/^hivemind_status_4040=[0-9a-f]{32}; Path=\/; HttpOnly; SameSite=Strict$/);
		expect(login.cookie).not.toContain(TOKEN);
		const cookie = login.cookie.split(";")[0] as string;
		expect(ask(access, { cookie: `other=1; ${cookie}` })).toEqual({ secrets: true });
		expect(ask(access, { cookie: cookie.replace("4040", "4041") })).toBe(401);
		expect(ask(access, { cookie: `${cookie}x` })).toBe(401);
		expect(ask(new Access(LOCAL, TOKEN), { cookie })).toBe(401);
		// A program without a token that is started later on the same port must not be locked.
		expect(ask(new Access(LOCAL, undefined), { cookie })).toEqual({ secrets: false });
	});

	test("a page of another site cannot log in, nor guess", () => {
		const access = new Access(LOCAL, TOKEN);
		const foreign = access.logIn(asked({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }), TOKEN, "a");
		expect((foreign as Refusal).status).toBe(403);
		expect((access.logIn(asked({}), "wrong", "a") as Refusal).status).toBe(401);
	});

	test("guesses are limited for each network, also when one of them is right", () => {
		const access = new Access(LOCAL, TOKEN);
		const guess = { authorization: "Bearer guess" };
		for (let i = 0; i < TOKEN_TRIES_BURST; i++) expect(ask(access, guess, "a")).toBe(401);
		expect(ask(access, guess, "a")).toBe(429);
		expect(ask(access, { authorization: `Bearer ${TOKEN}` }, "a")).toBe(429);
		expect((access.logIn(asked({}), TOKEN, "a") as Refusal).status).toBe(429);
		expect(ask(access, { authorization: `Bearer ${TOKEN}` }, "b")).toEqual({ secrets: true });
	});
});
