// The live panel below the log, on a terminal that script(1) makes; and that it is nowhere else.
import { describe, expect, test } from "bun:test";
import { start } from "../support/executable.ts";
import { available, get, hub, joining, localUrl, OFFLINE, serve } from "./terminals.ts";

const terminal = (columns: number) => ({
	wrapper: ["sh", "-c", `exec script -qec "stty cols ${columns}; exec '$0' $*" /dev/null`],
});
const CTRL_C = "\x03";
const ESCAPE = "\x1b";
/** The cursor moves up, or a line of the panel. */
const PANEL = new RegExp(`${ESCAPE}\\[\\d*A|^ hub {2}my-hub`, "m");
const COLOUR = new RegExp(`${ESCAPE}\\[\\d+m`);

/** What the terminal was given last between two erasures of the panel. */
const lastPanel = (stdout: string): string[] => (stdout.split("\x1b[J").at(-1) ?? "").trimEnd().split("\r\n");

describe.skipIf(!available("a terminal of its own", ["script", "-qec", "true", "/dev/null"]))("on a terminal", () => {
	test("a hub shows its services and peers, and nothing of it is left at the end", async () => {
		await using program = start(["share", "web=1", "my-hub", ...OFFLINE], terminal(100));
		await program.line(/^ peers {2}none yet/);
		const [, ticket = ""] = await program.line(/^Ticket: (\S+)/);
		await using peer = start(["join", "my-peer", "--ticket", ticket, "--bind", "web=0", ...OFFLINE]);
		await program.line(/^ peers {2}my-peer {2}direct \S+ {2}RTT/);
		expect(program.stdout).toContain(" web  http://127.0.0.1:1  ");
		peer.signal("SIGINT");
		await program.line(/Peer 'my-peer' .* left/);
		program.type(CTRL_C);
		const { status, stdout } = await program.exited;
		expect(status).toBe(0);
		expect(lastPanel(stdout).join("")).not.toContain("peers");
	});

	test.each([120, 60])("a peer shows what moves, in lines that fit into %p columns", async (columns) => {
		await using service = await serve(() => new Response("x".repeat(200_000)));
		await using sharing = await hub([service.address]);
		await using program = start(joining(sharing.ticket), terminal(columns));
		await program.line(/^ hub {2}my-hub {2}direct/);
		await get(await localUrl(program, "frontend"));
		// In a narrow window only the number of connections has room.
		if (columns > 100) await program.line(/frontend +http:\S+ +\S*up\S* .* [1-9]\d* kB\/s ↓/);
		const lines = program.stdout.split(/[\r\n]+/).filter((line) => /^ (frontend|backend|websocket|hub) {2}/.test(line));
		expect(lines.length).toBeGreaterThan(0);
		for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThan(columns);
		program.type(CTRL_C);
		expect((await program.exited).status).toBe(0);
	});

	test.each([
		["--plain", ["--plain"], {}],
		["--json", ["--json"], {}],
		["a terminal that cannot move its cursor", [], { TERM: "dumb" }],
	])("not with %s", async (_, more, env) => {
		await using sharing = await hub([]);
		await using program = start([...joining(sharing.ticket), ...more], { ...terminal(100), env });
		await program.line(/Press Ctrl\+C to stop\.|"event":"ready"/);
		program.type(CTRL_C);
		const { status, stdout } = await program.exited;
		expect(status).toBe(0);
		expect(stdout).not.toMatch(PANEL);
	});

	test("NO_COLOR leaves the colours away, and keeps the panel", async () => {
		await using program = start(["share", "web=1", "my-hub", ...OFFLINE], { ...terminal(100), env: { NO_COLOR: "1" } });
		await program.line(/^ peers {2}none yet/);
		program.type(CTRL_C);
		expect((await program.exited).stdout).not.toMatch(COLOUR);
	});
});

test("where the output is piped there is no panel", async () => {
	await using sharing = await hub([]);
	const { stdout, stderr } = sharing.program;
	expect(stdout + stderr).not.toContain(" peers  ");
});
