// The options about local ports: what they mean, and how contradictions are reported. What the peer makes of them:
// test/unit/peer/port-choices.test.ts.
import { describe, expect, spyOn, test } from "bun:test";
import { stderr } from "../../../src/base/output.ts";
import { portChoices } from "../../../src/cli/port-options.ts";
import { thrown } from "../../support/throws.ts";

type Options = Parameters<typeof portChoices>[0];
const choices = (options: Partial<Options> = {}) => portChoices({ bind: [], only: [], strict: false, ...options });
const binds = (options: Partial<Options>) => Object.fromEntries(choices(options).binds);

test("without options all services are wanted, and nothing is chosen", () => {
	expect(choices()).toEqual({ binds: new Map(), only: undefined, strict: false });
	expect(choices({ strict: true }).strict).toBe(true);
});

describe("--bind", () => {
	test("takes a port of localhost, or an address", () => {
		expect(binds({ bind: ["db=5433", "web=127.0.0.1:0", "api=[::1]:8000", "a-1=my-host:1", "free=0"] })).toEqual({
			db: { host: "localhost", port: 5433 },
			web: { host: "127.0.0.1", port: 0 },
			api: { host: "::1", port: 8000 },
			"a-1": { host: "my-host", port: 1 },
			free: { host: "localhost", port: 0 },
		});
	});

	test("and the options of the original program are one and the same, in its order", () => {
		const options = { bind: ["db=1"], "ws-addr": "127.0.0.1:4001", "frontend-addr": "localhost:3001" };
		expect([...choices(options).binds]).toEqual([
			["db", { host: "localhost", port: 1 }],
			["frontend", { host: "localhost", port: 3001 }],
			["websocket", { host: "127.0.0.1", port: 4001 }],
		]);
	});

	test.each([
		["db", "--bind: 'db' is not NAME=PORT."],
		["db=", "--bind: 'db=' is not NAME=PORT."],
		["5433", "--bind: '5433' is not NAME=PORT."],
		["5433=db", "--bind: '5433' is not the name of a service."],
		["=5433", "--bind: '' is not the name of a service."],
		["Db=5433", "--bind: 'Db' is not the name of a service."],
		["my db=5433", "--bind: 'my db' is not the name of a service."],
		[`${"x".repeat(65)}=1`, `--bind: '${"x".repeat(65)}' is not the name of a service.`],
		["db=65536", "--bind db: '65536' is not a number from 0 to 65535."],
		["db=-1", "--bind db: '-1' is not host:port."],
		["db=x", "--bind db: 'x' is not host:port."],
		["db=tcp://x:1", "--bind db: 'tcp://x:1' is not host:port."],
		["db=a=1", "--bind db: 'a=1' is not host:port."],
	])("%s is an error", (bind, message) => {
		expect(thrown("usage", () => choices({ bind: [bind] })).message).toBe(message);
	});
});

test("--only takes names, in one list or several", () => {
	expect(choices({ only: ["web,api"] }).only).toEqual(new Set(["web", "api"]));
	expect(choices({ only: ["web, api", "db", "web"] }).only).toEqual(new Set(["web", "api", "db"]));
	for (const bad of ["web,", ",", "", "Web", "web=3000"])
		expect(thrown("usage", () => choices({ only: [bad] })).message).toContain("is not the name of a service.");
});

test.each<[string, Partial<Options>, string]>([
	[
		"one service twice",
		{ bind: ["db=1", "db=2"] },
		"--bind db=1 and --bind db=2 are for one service. Give one of them.",
	],
	[
		"one service by both kinds of options",
		{ bind: ["frontend=1"], "frontend-addr": "127.0.0.1:2" },
		"--bind frontend=1 and --frontend-addr 127.0.0.1:2 are for one service. Give one of them.",
	],
	[
		"one address twice",
		{ bind: ["db=1", "web=127.0.0.1:1"] },
		"--bind db=1 and --bind web=127.0.0.1:1 are one address. Give each service its own; port 0 picks a free one.",
	],
])("%s is a contradiction, and the message says what to write", (_, options, text) => {
	const { message, hint } = thrown("usage", () => choices(options));
	expect(`${message} ${hint}`).toBe(text);
});

test("an address for a service that --only leaves out is dropped, and a line says so", () => {
	const write = spyOn(stderr, "write").mockImplementation(() => {});
	try {
		const options = { bind: ["db=5433", "web=5433"], only: ["web,api"], "ws-addr": "127.0.0.1:1" };
		expect(binds(options)).toEqual({ web: { host: "localhost", port: 5433 } });
		expect(write.mock.calls.flat()).toEqual([
			"--bind db=5433 has no effect: --only leaves 'db' out.\n",
			"--ws-addr 127.0.0.1:1 has no effect: --only leaves 'websocket' out.\n",
		]);
	} finally {
		write.mockRestore();
	}
});

test("different addresses with one port number, and port 0, are no contradiction", () => {
	expect(binds({ bind: ["a=127.0.0.1:1", "b=[::1]:1", "c=127.0.0.2:1", "d=0", "e=0"] })).toMatchObject({
		a: { port: 1 },
	});
});
