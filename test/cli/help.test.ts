// --help on every level, --version, and where options may be placed. None of it needs the native add-on.
import { describe, expect, test } from "bun:test";
import { version } from "../../package.json";
import { EXIT_STATUS } from "../../src/base/errors.ts";
import { run, start } from "../support/executable.ts";
import { expectError, get, hub, OFFLINE, peer, scratch, serve, WITHOUT_ADDON, withoutWaiting } from "./terminals.ts";

const GLOBAL = [
	"--alpn",
	"--ipv4-addr",
	"--ipv6-addr",
	"--verbose",
	"--no-relay",
	"--relay-url",
	"--version",
	"--help",
];

const HELP: [args: string[], names: string[]][] = [
	[["--help"], ["share", "join", "demo"]],
	[["-h"], ["share", "join", "demo"]],
	[
		["share", "--help"],
		["[SERVICE...] [NAME]", "--name", "hivemind-p2p share 3000 8000 4000 my-hub"],
	],
	[["--help", "share"], ["[SERVICE...] [NAME]"]],
	[
		["help", "share"],
		["[SERVICE...] [NAME]", "--name"],
	],
	[["help"], ["share", "join", "demo", "hivemind-p2p help exit-statuses"]],
	[
		["join", "--help"],
		[
			"[NAME] [CODE|TICKET|@ALIAS]",
			"--ticket",
			"--frontend-addr",
			"--backend-addr",
			"--ws-addr",
			"--bind",
			"--only",
			"--strict",
		],
	],
	[["join", "-h", "my-peer"], ["--bind"]],
	[["demo", "--help"], ["--once"]],
];

describe("help and version", () => {
	test.each(HELP)("%p prints examples and options to stdout", async (args, names) => {
		const { status, stdout, stderr } = await run(args);
		expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
		for (const name of [...names, ...GLOBAL]) expect(stdout).toContain(name);
		expect(stdout).toMatch(/^.+\n\nEXAMPLES\n\n( {2}[A-Z].*:\n {4}.*hivemind-p2p .+\n\n){3}USAGE /);
		expect(stdout).not.toMatch(/undefined|EXIT STATUS/);
		expect(stdout).toBe(Bun.stripANSI(stdout));
	});

	test("the exit statuses are a topic of their own", async () => {
		const { status, stdout, stderr } = await run(["help", "exit-statuses"]);
		expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
		for (const { status, meaning } of Object.values(EXIT_STATUS))
			expect(stdout).toMatch(new RegExp(`^ +${status}  ${RegExp.escape(meaning)}$`, "m"));
	});

	test("how services are written is a topic of its own", async () => {
		const { stdout } = await run(["help", "services"]);
		for (const form of ["3000", "db.local:5432", "https://localhost:8443", "db=5432"]) expect(stdout).toContain(form);
	});

	test("the program's help names the commands that take an option, unless all do", async () => {
		const { stdout } = await run(["--help"]);
		expect(stdout).toMatch(/ --no-relay +share, join, doctor, demo: Direct/);
		expect(stdout).toMatch(/ --verbose +Show/);
	});

	test.each(["identity", "mailbox", "completions"])("%s --help lists no option that it refuses", async (command) => {
		const { stdout } = await run([command, "--help"]);
		expect(stdout).not.toMatch(/--(alpn|ipv[46]-addr|no-relay|relay-url)[= ]/);
		expectError(await run([command, "--no-relay"]), "usage", /belongs to 'share', 'join', 'doctor' and 'demo', not to/);
	});

	test.each([[["--version"]], [["-V"]], [["share", "--version"]], [["--version", "join"]], [["demo", "-V"]]])(
		"%p prints the version in package.json",
		async (args) => {
			expect(await run(args)).toEqual({ status: 0, stdout: `hivemind-p2p ${version}\n`, stderr: "" });
		},
	);

	test.each([[["--version"]], [["--help"]], [["share", "--help"]], [["join", "--help"]]])(
		"%p needs no native add-on",
		async (args) => {
			expect(await run(args, { wrapper: WITHOUT_ADDON })).toMatchObject({ status: 0, stderr: "" });
		},
	);

	test("the native add-on cannot be loaded: a one-line error without source code", async () => {
		// Not even from a file that another program of Bun's has left in the folder for temporary files.
		await using place = await scratch({});
		const finished = await run(["share", "a:1", "a:1", "a:1", "my-hub", ...OFFLINE], {
			wrapper: WITHOUT_ADDON,
			env: { TMPDIR: place.path },
		});
		expectError(finished, "addon", /^error: The native networking library cannot be loaded: .+[.;] It needs /);
	});
});

describe("where options may be placed", () => {
	test("connection options are accepted before the command as well as after it", async () => {
		const words = ["127.0.0.1:1", "127.0.0.1:1", "127.0.0.1:1", "my-hub"];
		await using before = start([...OFFLINE, "--alpn=federated-hivemind", "share", ...words]);
		await using among = start(["--no-relay", "share", ...words, "--alpn", "federated-hivemind", ...OFFLINE.slice(1)]);
		for (const program of [before, among]) {
			const [, ticket = ""] = await program.line(/^Ticket: (.+)$/);
			const places = ["--frontend-addr", "--backend-addr", "--ws-addr"].flatMap((name) => [name, "127.0.0.1:0"]);
			const joining = [
				"--alpn",
				"federated-hivemind",
				"-vv",
				"join",
				...places,
				"--ticket",
				ticket,
				"my-peer",
				...OFFLINE,
			];
			await using joined = start(joining);
			// All three took effect: the ALPN is the same, the level is info, and loopback was bound.
			await joined.line(/^info: Connected: direct (127\.0\.0\.1|\[::1\]):\d+$/);
		}
	});

	test("an argument that looks like an option is accepted after --", async () => {
		await using program = start(["share", ...OFFLINE, "--", "a:1", "b:2", "c:3", "--hub"]);
		await program.line(/^Hub '--hub' is running$/);
	});

	test.each([
		["without -v", [], false, false],
		["-v", ["-v"], false, false],
		["-vv", ["-vv"], true, false],
		["-v -v", ["-v", "-v"], true, false],
		["--verbose -v", ["--verbose", "-v"], true, false],
		["-vvv", ["-vvv"], true, true],
		["-vvvv", ["-vvvv"], true, true],
	])("%s: info lines %p, debug lines %p", async (_name, flags, info, debug) => {
		await using frontend = serve(() => new Response("a page"));
		await using sharing = await hub([frontend.address, frontend.address, frontend.address]);
		await using joined = await peer(sharing.ticket, flags);
		expect(await get(joined.urls.frontend)).toBe("a page");
		joined.program.signal("SIGTERM");
		const { stderr } = await joined.program.exited;
		expect(/^info: Connected: direct /m.test(stderr)).toBe(info);
		expect(/^debug: frontend: /m.test(stderr)).toBe(debug);
		if (flags.length === 0) expect(withoutWaiting(stderr)).toBe("");
	});
});
