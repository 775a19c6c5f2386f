// Where the status is served and asked for: options, variables, and a port that is taken.
import { afterEach, describe, expect, test } from "bun:test";
import type { HivemindError } from "../../../src/base/errors.ts";
import { openStatus, readQuestion, readStatus, STATUS_ADDRESS } from "../../../src/cli/status-options.ts";
import type { StatusServer } from "../../../src/status/server.ts";
import { FakeSource, hubSnapshot } from "../../support/status-source.ts";
import { resultOr, thrown } from "../../support/throws.ts";

const ADDR = "HIVEMIND_P2P_STATUS_ADDR";
const TOKEN = "HIVEMIND_P2P_STATUS_TOKEN";
const OFF = { status: false };
const at = (host: string, port: number) => ({ host, port });

describe("share and join", () => {
	test.each([
		["nothing", OFF, {}, undefined],
		["an empty variable", OFF, { [ADDR]: "", [TOKEN]: "" }, undefined],
		["--status", { status: true }, {}, { address: at("127.0.0.1", 4040), byVariable: false }],
		["--status-addr", { ...OFF, "status-addr": "[::1]:0" }, {}, { address: at("::1", 0), byVariable: false }],
		["both", { status: true, "status-addr": "127.0.0.1:1" }, {}, { address: at("127.0.0.1", 1), byVariable: false }],
		["the variable", OFF, { [ADDR]: "127.0.0.1:2" }, { address: at("127.0.0.1", 2), byVariable: true }],
		[
			"--status before the variable",
			{ status: true },
			{ [ADDR]: "127.0.0.1:2" },
			{ address: at("127.0.0.1", 4040), byVariable: false },
		],
		[
			"a token",
			{ ...OFF, "status-addr": "0.0.0.0:1", "status-token": "secret" },
			{ [TOKEN]: "other" },
			{ address: at("0.0.0.0", 1), token: "secret", byVariable: false },
		],
		[
			"a token by variable",
			OFF,
			{ [ADDR]: "0.0.0.0:1", [TOKEN]: "secret" },
			{ address: at("0.0.0.0", 1), token: "secret", byVariable: true },
		],
		// It may be set for all programs of a container.
		["a token by variable and no server", OFF, { [TOKEN]: "secret" }, undefined],
	])("%s", (_, options, environment, expected) => {
		expect(readStatus(options, environment)).toEqual(expected);
	});

	test.each([
		[
			"other machines without a token",
			{ ...OFF, "status-addr": "0.0.0.0:1" },
			{},
			/^--status-addr: .* --status-token\.$/,
		],
		["a token for nothing", { ...OFF, "status-token": "secret" }, {}, /^--status-token does nothing without /],
		["no address", { ...OFF, "status-addr": "4040" }, {}, /^--status-addr: '4040' is not host:port\.$/],
		["no address in the variable", OFF, { [ADDR]: "x" }, /^HIVEMIND_P2P_STATUS_ADDR: 'x' is not host:port\.$/],
		["a bad token", { status: true, "status-token": "a b" }, {}, /^--status-token: a token has /],
	])("%s is an error", (_, options, environment, message) => {
		expect(thrown("usage", () => readStatus(options, environment)).message).toMatch(message);
	});
});

describe("status", () => {
	test.each([
		["nothing", {}, {}, { address: at("127.0.0.1", 4040) }],
		["--addr", { addr: "localhost:1" }, { [ADDR]: "127.0.0.1:2" }, { address: at("localhost", 1) }],
		["the variables", {}, { [ADDR]: "127.0.0.1:2", [TOKEN]: "t" }, { address: at("127.0.0.1", 2), token: "t" }],
		["--token", { token: "t" }, { [TOKEN]: "u" }, { address: at("127.0.0.1", 4040), token: "t" }],
	])("%s", (_, options, environment, expected) => {
		expect(readQuestion(options, environment)).toEqual(expected);
	});

	test("port 0 cannot be asked", () => {
		expect(thrown("usage", () => readQuestion({ addr: "127.0.0.1:0" }, {})).message).toContain("has port 0");
		expect(thrown("usage", () => readQuestion({}, { [ADDR]: "127.0.0.1:0" })).message).toStartWith(ADDR);
	});

	test("the default is what --status serves", () => {
		expect(readQuestion({}, {}).address).toEqual(
			readStatus({ status: true }, {})?.address as { host: string; port: number },
		);
		expect(STATUS_ADDRESS).toBe("127.0.0.1:4040");
	});
});

describe("a port that is taken", () => {
	let first: StatusServer | undefined;
	const source = new FakeSource(hubSnapshot());
	const open = (port: number, byVariable: boolean) =>
		openStatus({ address: at("127.0.0.1", port), byVariable }, source, () => {});

	afterEach(() => first?.stop());

	test("is an error if it was asked for, and none if only a variable names it", async () => {
		first = await open(0, false);
		const port = Number(new URL(first?.url ?? "").port);
		expect(((await resultOr("listen", open(port, false))) as HivemindError).message).toContain("the port is in use");
		expect(await open(port, true)).toBeUndefined();
	});
});
