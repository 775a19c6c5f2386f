// `demo` with the real executable: everything on one machine, for a user who has nothing but the binary. --once exits
// after the checks; without it the services stay up until a signal.
import { expect, test } from "bun:test";
import { run, start } from "../support/executable.ts";
import { get } from "./terminals.ts";

const CHECKS = ["Frontend", "Backend", "WebSocket", "Mail", "Database", "8 MiB"];

test("--once prints each check with its time and exits 0", async () => {
	const { status, stdout, stderr } = await run(["demo", "--once"]);
	for (const check of CHECKS)
		expect(stdout).toMatch(new RegExp(`^  ✓ ${check} +(http|ws|tcp)://127\\.0\\.0\\.1:\\d+ +[\\d.]+ ms   \\S`, "m"));
	expect(stdout).toMatch(/✓ Database .*down, as the hub has told the peer/);
	expect(stdout).not.toContain("in a browser");
	expect(stderr, "it ends by itself, and at once").not.toMatch(/Ctrl\+C|Waiting for running transfers/);
	expect(status).toBe(0);
});

test.each(["HTTP_PROXY", "http_proxy", "ALL_PROXY"])("the checks do not use the proxy in %s", async (name) => {
	const { status, stderr } = await run(["demo", "--once"], { env: { [name]: "http://127.0.0.1:1" } });
	expect(stderr).not.toContain("error");
	expect(status).toBe(0);
});

test.each(["SIGINT", "SIGTERM"] as const)("it serves a page until %s, then exits 0", async (name) => {
	await using program = start(["demo"]);
	const [, url = ""] = await program.line(/^Open (http:\S+) in a browser/);
	expect(await get(url)).toContain("<title>hivemind-p2p demo</title>");
	program.signal(name);
	expect((await program.exited).status).toBe(0);
});

test("two demos at once do not disturb each other", async () => {
	const both = await Promise.all([run(["demo", "--once"]), run(["demo", "--once"])]);
	expect(both.map(({ status }) => status)).toEqual([0, 0]);
});
