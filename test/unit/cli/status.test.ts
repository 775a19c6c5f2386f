// The command `status`: what it prints where, and how it ends.
import { afterEach, beforeEach, expect, type Mock, spyOn, test } from "bun:test";
import { NegativeAnswer } from "../../../src/base/errors.ts";
import { stderr, stdout } from "../../../src/base/output.ts";
import { run } from "../../../src/cli/cli.ts";
import { type StatusServer, startStatusServer } from "../../../src/status/server.ts";
import { FakeSource, hubSnapshot } from "../../support/status-source.ts";
import { resultOr } from "../../support/throws.ts";

let source: FakeSource;
let server: StatusServer;
let out: Mock<typeof stdout.write>;
let err: Mock<typeof stderr.write>;

beforeEach(() => {
	source = new FakeSource(hubSnapshot());
	server = startStatusServer({ address: { host: "127.0.0.1", port: 0 }, source });
	out = spyOn(stdout, "write").mockImplementation(() => {});
	err = spyOn(stderr, "write").mockImplementation(() => {});
});

afterEach(async () => {
	out.mockRestore();
	err.mockRestore();
	await server.stop();
});

const status = (...options: string[]) => {
	const never = new AbortController().signal;
	return run(["status", "--addr", new URL(server.url).host, ...options], never, never);
};
const failure = (...options: string[]) => status(...options).catch((error: unknown) => error);
const printed = () => out.mock.calls.join("");

test("a summary for a person, without the ticket", async () => {
	await status();
	expect(printed()).toStartWith("Hub 'my-hub' is open to peers\n");
	expect(printed()).not.toContain("ticketsecret");
});

test("--json: one line, as /status has it; with the token, the ticket, too", async () => {
	await status("--json");
	expect(JSON.parse(printed())).toMatchObject({ role: "hub", name: "my-hub" });
	expect(printed().split("\n")).toHaveLength(2);
	out.mockClear();
	await status("--json", "--token", new URL(server.link).searchParams.get("token") as string);
	expect(JSON.parse(printed())).toHaveProperty("ticket");
});

test("--check: nothing on success, else the reason on stderr and a no", async () => {
	await status("--check");
	expect([out.mock.calls, err.mock.calls]).toEqual([[], []]);
	source.state = hubSnapshot({ state: "closed" });
	expect(await failure("--check")).toBeInstanceOf(NegativeAnswer);
	expect(err.mock.calls[0]?.[0]).toMatch(/^Not healthy: the hub admits no new peers any more/);
	await server.stop();
	expect(await failure("--check")).toBeInstanceOf(NegativeAnswer);
	expect(out.mock.calls).toEqual([]);
});

test("without a server, an error; --json and --check exclude each other", async () => {
	await resultOr("usage", status("--json", "--check"));
	await server.stop();
	const error = await resultOr("unreachable", status());
	expect(error).toMatchObject({ code: "unreachable", message: expect.stringContaining("nothing listens there") });
});
