// Readers that stop reading what the program prints, or read it slowly: a terminal after Ctrl+S, a full pipe, `| less`.
// The tunnel goes on, signals are obeyed, the exit status survives, and who reads slowly gets everything.
import { describe, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { EXIT_STATUS } from "../../src/base/errors.ts";
import { OUTPUT_QUEUE } from "../../src/base/limits.ts";
import { NAME_MAX } from "../../src/protocol/limits.ts";
import { Program, run, start } from "../support/executable.ts";
import { available, get, hub, joining, localUrl, peer, scratch, serve } from "./terminals.ts";

const CTRL_C = "\x03";
const CTRL_S = "\x13";
const CTRL_Q = "\x11";

/** A terminal by script(1), whose first line is the process id of the program. */
const TERMINAL = { wrapper: ["sh", "-c", `exec script -qec "echo pid \\$\\$; exec '$0' $*" /dev/null`] };
const pidOf = async (program: Program) => Number((await program.line(/^pid (\d+)$/))[1]);

describe.skipIf(!available("a terminal of its own", ["script", "-qec", "true", "/dev/null"]))(
	"a terminal that is not read (Ctrl+S)",
	() => {
		/** Many requests, each of which is a line in the log of hub and peer. */
		async function requests(url: string): Promise<void> {
			for (let i = 0; i < 20; i++) expect(await get(url)).toBe("here");
		}

		test("does not hold up the hub, and Ctrl+C ends it", async () => {
			await using frontend = serve(() => new Response("here"));
			await using sharing = await hub([frontend.address], ["-vvvv"], TERMINAL);
			await using joined = await peer(sharing.ticket);
			sharing.program.type(CTRL_S);
			await requests(joined.urls.frontend);
			sharing.program.type(CTRL_C);
			expect((await sharing.program.exited).status).toBe(0);
		});

		test("does not hold up the peer, and a signal ends it although its last lines have no reader", async () => {
			await using frontend = serve(() => new Response("here"));
			await using sharing = await hub([frontend.address]);
			await using joined = await peer(sharing.ticket, ["-vvvv"], TERMINAL);
			const pid = await pidOf(joined.program);
			joined.program.type(CTRL_S);
			await requests(joined.urls.frontend);
			process.kill(pid, "SIGINT");
			expect((await joined.program.exited).status).toBe(0);
			await sharing.program.line(/^Peer .+ left: the peer was stopped\.$/);
		});

		test("shows everything once it is read again (Ctrl+Q)", async () => {
			await using frontend = serve(() => new Response("here"));
			await using sharing = await hub([frontend.address], ["-vvvv"], { ...TERMINAL, env: { NO_COLOR: "1" } });
			await using joined = await peer(sharing.ticket);
			sharing.program.type(CTRL_S);
			await requests(joined.urls.frontend);
			joined.program.signal("SIGTERM");
			await joined.program.exited;
			sharing.program.type(CTRL_Q);
			await sharing.program.line(/^Peer .+ left/);
			// The last of them may come after that, and so behind the terminal's echo of Ctrl+C.
			sharing.program.type(CTRL_C);
			expect((await sharing.program.exited).status).toBe(0);
			expect(sharing.program.stdout.match(/^(\^C)?debug: frontend for /gm)).toHaveLength(20);
		});
	},
);

describe("a pipe that nobody reads", () => {
	/** stderr is a pipe `err` in the program's directory, which stays open. */
	const wrapper = ["sh", "-c", `mkfifo err && exec 9<>err && exec "$0" "$@" 2>err`];
	/** The same, but full from the start. */
	const full = [
		"sh",
		"-c",
		`mkfifo err && exec 9<>err && { dd if=/dev/zero of=err bs=4096 oflag=nonblock; exec "$0" "$@" >err 2>&1; }`,
	];

	test("holds nobody up and costs old lines of the log; a note says how many", async () => {
		await using place = await scratch({});
		await using frontend = serve(() => new Response("here"));
		await using sharing = await hub([frontend.address], ["-vvvv"], { wrapper, cwd: place.path });
		const name = "x".repeat(NAME_MAX);
		await using joined = start(joining(sharing.ticket).with(1, name));
		const url = await localUrl(joined, "frontend");
		// One and a half times what fits into the queue, in lines of more than twice the name.
		const connections = Math.ceil((1.5 * OUTPUT_QUEUE) / (2 * NAME_MAX));
		let left = connections;
		const worker = async () => {
			while (left-- > 0) expect(await get(url)).toBe("here");
		};
		await Promise.all(Array.from({ length: 16 }, worker));
		joined.signal("SIGTERM");
		await joined.exited;
		await using reading = new Program(["cat", join(place.path, "err")], {});
		await reading.line(/^Peer .+ left/);
		sharing.program.signal("SIGTERM");
		expect((await sharing.program.exited).status).toBe(0);
		const lines = (await reading.exited).stdout.trimEnd().split("\n");
		const [, dropped, ...more] = lines.flatMap(
			(line) => /^… (\d+) lines of output were dropped: nobody was reading\.$/.exec(line) ?? [],
		);
		expect(more).toEqual([]);
		expect(lines.filter((line) => line.startsWith("debug: frontend for ")).length + Number(dropped)).toBe(connections);
		for (const line of lines) expect(line).toMatch(/^(… |debug: frontend for |info: |Peer )/);
	}, 60_000);

	test.each([
		[["--help"], "ok"],
		[["--no-such-option"], "usage"],
		[["join", "me", "--ticket", "endpoint"], "ticket"],
	] as const)("%p ends with its status although its words have no reader", async (args, code) => {
		await using place = await scratch({});
		await using program = start(args, { wrapper: full, cwd: place.path });
		expect((await program.exited).status).toBe(EXIT_STATUS[code].status);
	});
});

describe.skipIf(!available("python3", ["python3", "-c", "import fcntl"]))("a reader that is slow", () => {
	/** The smallest pipe that Linux makes, in bytes. */
	const PIPE = 4096;
	/** Runs a program whose output goes into such a pipe, reads that slowly, and prints what it has read. */
	const SLOW = `
import fcntl, os, subprocess, sys, time
r, w = os.pipe()
fcntl.fcntl(w, 1031, ${PIPE}) # F_SETPIPE_SZ
program = subprocess.Popen(sys.argv[1:], stdout=w, stderr=w, stdin=subprocess.DEVNULL)
os.close(w)
while piece := os.read(r, 512):
    os.write(1, piece)
    time.sleep(0.01)
sys.exit(program.wait())
`;

	test.skipIf(process.platform !== "linux").each(["zsh", "fish"])("gets all of completions %s", async (shell) => {
		const slowly = await run(["completions", shell], { wrapper: ["python3", "-c", SLOW] });
		const { stdout } = await run(["completions", shell]);
		expect(stdout.length).toBeGreaterThan(PIPE);
		expect(slowly).toEqual({ status: 0, stdout, stderr: "" });
	});
});

test("a file gets everything, behind what was in it", async () => {
	await using place = await scratch({ out: "before\n" });
	const wrapper = ["sh", "-c", `"$0" "$@" >>out 2>&1; "$0" --no-such-option >>out 2>&1; echo "status $?" >>out`];
	await run(["completions", "bash"], { wrapper, cwd: place.path });
	const { stdout } = await run(["completions", "bash"]);
	const { stderr } = await run(["--no-such-option"]);
	expect(await readFile(join(place.path, "out"), "utf8")).toBe(`before\n${stdout}${stderr}status 2\n`);
});

test.skipIf(process.platform !== "linux")("a pipe that is shared with other programs stays blocking", async () => {
	const look = "grep flags /proc/self/fdinfo/2";
	const { stdout } = await run(["--no-such-option"], { wrapper: ["sh", "-c", `${look}; "$0" "$@"; ${look}`] });
	const [before, after] = stdout.trim().split("\n");
	expect(before).toStartWith("flags:");
	expect(after).toBe(before as string);
});
