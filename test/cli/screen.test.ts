// The screen: a box on a terminal, a plain line elsewhere, the spinner, and readers that go away (`| head -1`).
// script(1) of util-linux makes the terminal, and our pipe is its keyboard.
import { describe, expect, test } from "bun:test";
import { run, start } from "../support/executable.ts";
import { available, DOWN, deadTicket, get, hub, joining, OFFLINE, peer, serve } from "./terminals.ts";

/** script(1) takes one string and hands it to a shell. */
const TERMINAL = { wrapper: ["sh", "-c", `exec script -qec "exec '$0' $*" /dev/null`] } as const;
const SHARE = ["share", DOWN, DOWN, DOWN, "my-hub", ...OFFLINE];
const CTRL_C = "\x03";

const LINE = "═".repeat(78);
const boxed = (title: string) => `╔${LINE}╗\r\n║ ${title.padEnd(76)} ║\r\n╚${LINE}╝\r\n\r\n`;

describe.skipIf(!available("a terminal of its own", ["script", "-qec", "true", "/dev/null"]))("on a terminal", () => {
	test("the hub's title is in a box, and Ctrl+C ends the hub", async () => {
		await using program = start(SHARE, TERMINAL);
		await program.line(/^ {2}hivemind-p2p join/);
		expect(program.stdout).toStartWith(boxed("Hub 'my-hub' is running"));
		program.type(CTRL_C);
		expect((await program.exited).status).toBe(0);
	});

	test("the peer's title is in a box, and Ctrl+C ends the peer", async () => {
		await using sharing = await hub([]);
		await using program = start(joining(sharing.ticket), TERMINAL);
		await program.line(/^Press Ctrl\+C to stop\.$/);
		expect(program.stdout).toStartWith(boxed("Peer 'my-peer' connected to hub 'my-hub'"));
		program.type(CTRL_C);
		expect((await program.exited).status).toBe(0);
	});

	test("wide characters keep the box straight", async () => {
		await using program = start(SHARE.with(4, "蜂の巣"), TERMINAL);
		await program.line(/^Ticket: /);
		const rows = program.stdout.split("\r\n").slice(0, 3);
		expect(rows[1]).toStartWith("║ Hub '蜂の巣' is running ");
		expect(rows.map((row) => Bun.stringWidth(row))).toEqual([80, 80, 80]);
	});

	test("no box where the locale is not UTF-8", async () => {
		await using program = start(SHARE, { ...TERMINAL, env: { LC_ALL: "C" } });
		await program.line(/^ {2}hivemind-p2p join/);
		expect(program.stdout).toStartWith("Hub 'my-hub' is running\r\n\r\n");
	});

	test("a spinner says what the program is waiting for, and is erased at the end", async () => {
		await using program = start(joining(await deadTicket()), TERMINAL);
		await program.line(/⠙ Waiting for the hub …$/);
		program.type(CTRL_C);
		const { status, stdout } = await program.exited;
		expect(status).toBe(0);
		expect(stdout).toEndWith("\r\x1b[K");
	});
});

describe("a reader that goes away", () => {
	/** The reader is gone before the program prints. Prints the program's status to stderr. */
	const GONE = {
		wrapper: ["sh", "-c", `{ read -r go; "$0" "$@"; echo "status $?" >&2; } | { exec <&-; echo closed >&2; }`],
	};

	test.each([[["--help"]], [["--version"]], [["join", "--help"]], [["demo", "--once"]]])(
		"%p with a closed stdout is not an error",
		async (args) => {
			await using program = start(args, GONE);
			await program.line(/^closed$/);
			program.type("go\n");
			const [, status] = await program.line(/^status (\d+)$/);
			expect(status).toBe("0");
			expect((await program.exited).stderr).not.toMatch(/EPIPE|error/i);
		},
	);

	test("demo --once | head -1", async () => {
		const wrapper = ["sh", "-c", `{ "$0" "$@"; echo "status $?" >&2; } | head -1`];
		const { stdout, stderr } = await run(["demo", "--once"], { wrapper });
		expect(stdout).toBe("hivemind-p2p demo: a hub and a peer on this machine, offline\n");
		expect(stderr).toEndWith("status 0\n");
	});

	test("a hub goes on after the reader of its stderr has gone", async () => {
		await using frontend = serve(() => new Response("here"));
		await using sharing = await hub([frontend.address]);
		await sharing.program.hangUp("stderr");
		await using first = await peer(sharing.ticket);
		await using second = await peer(sharing.ticket);
		expect(await Promise.all([get(first.urls.frontend), get(second.urls.frontend)])).toEqual(["here", "here"]);
		sharing.program.signal("SIGTERM");
		expect((await sharing.program.exited).status).toBe(0);
	});
});

test("hub and peer go on after the end of their standard input", async () => {
	await using frontend = serve(() => new Response("here"));
	await using sharing = await hub([frontend.address]);
	sharing.program.endInput();
	await using joined = await peer(sharing.ticket);
	joined.program.endInput();
	expect(await get(joined.urls.frontend)).toBe("here");
});
