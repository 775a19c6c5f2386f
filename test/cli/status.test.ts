// `status` as a script or a health check runs it: exit statuses, what goes to stdout, and what the environment may say.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { EXIT_STATUS } from "../../src/base/errors.ts";
import { type StatusServer, startStatusServer } from "../../src/status/server.ts";
import { run } from "../support/executable.ts";
import { FakeSource, hubSnapshot } from "../support/status-source.ts";
import { expectError, WITHOUT_ADDON } from "./terminals.ts";

let source: FakeSource;
let server: StatusServer;

beforeEach(() => {
	source = new FakeSource(hubSnapshot());
	server = startStatusServer({ address: { host: "127.0.0.1", port: 0 }, source, token: "secret" });
});

afterEach(() => server.stop());

const address = () => new URL(server.url).host;
const variables = () => ({ HIVEMIND_P2P_STATUS_ADDR: address(), HIVEMIND_P2P_STATUS_TOKEN: "secret" });

test("prints a summary, or JSON, and needs no native add-on", async () => {
	const summary = await run(["status", "--addr", address(), "--token", "secret"], { wrapper: WITHOUT_ADDON });
	expect(summary).toMatchObject({ status: 0, stderr: "" });
	expect(summary.stdout).toStartWith("Hub 'my-hub' is open to peers\n");
	const json = await run(["status", "--json"], { env: variables() });
	expect(json).toMatchObject({ status: 0, stderr: "" });
	expect(JSON.parse(json.stdout)).toMatchObject({ role: "hub", joinCommand: expect.any(String) });
});

test("a proxy of the environment is not asked", async () => {
	const env = { ...variables(), http_proxy: "http://127.0.0.1:1", HTTP_PROXY: "http://127.0.0.1:1" };
	expect(await run(["status", "--check"], { env })).toEqual({ status: 0, stdout: "", stderr: "" });
});

describe("no status", () => {
	test("is status 6, and with --check status 1", async () => {
		const env = variables();
		expect(await run(["status", "--check"], { env })).toEqual({ status: 0, stdout: "", stderr: "" });
		await server.stop();
		expectError(
			await run(["status"], { env }),
			"unreachable",
			/^error: No status at \S+: nothing listens there\. Start /,
		);
		const checked = await run(["status", "--check"], { env });
		expect(checked).toMatchObject({ status: EXIT_STATUS.internal.status, stdout: "" });
		expect(checked.stderr).toMatch(/^No status at \S+: nothing listens there\.\n$/);
	});

	test("for want of the token is the same", async () => {
		expectError(await run(["status", "--addr", address()]), "unreachable", / needs a token\. /);
		expect((await run(["status", "--addr", address(), "--token", "other", "--check"])).status).toBe(1);
	});

	test("of a program that is not healthy is status 1, with the reason", async () => {
		source.state = hubSnapshot({ state: "starting" });
		expect(await run(["status", "--check"], { env: variables() })).toEqual({
			status: 1,
			stdout: "",
			stderr: "Not healthy: the hub is starting.\n",
		});
	});
});

test("mistakes on the command line", async () => {
	expectError(await run(["status", "--addr", "4040"]), "usage", /--addr: '4040' is not host:port/);
	expectError(await run(["status", "--json", "--check"]), "usage", /exclude each other/);
	expectError(await run(["status", "--no-relay"]), "usage", /belongs to /);
});
