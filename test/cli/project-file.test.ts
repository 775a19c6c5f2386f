// hivemind.toml with the real executable: what share and join take from it, what comes first, which file is not read, and
// how its mistakes are told.
import { describe, expect, test } from "bun:test";
import { chmod, chown, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { EXIT_STATUS } from "../../src/base/errors.ts";
import { type RunOptions, run, start } from "../support/executable.ts";
import { available, expectError, get, OFFLINE, scratch, serve } from "./terminals.ts";

const OFFLINE_TOML = `no-relay = true\nipv4-addr = "127.0.0.1:0"\n`;
const LOCAL_TOML = ["frontend", "backend", "ws"].map((name) => `${name}-addr = "127.0.0.1:0"\n`).join("");

/** A folder with this project file, which nobody else can have written. */
async function project(text: string, mode = 0o644) {
	const folder = await scratch({ "hivemind.toml": text });
	await chmod(folder.path, 0o755);
	await chmod(join(folder.path, "hivemind.toml"), mode);
	return folder;
}

/** What `share` says on stderr once it runs. */
async function sharing(args: readonly string[], options: RunOptions): Promise<string> {
	await using hub = start(["share", ...args], options);
	await hub.line(/^Ticket: /);
	return hub.stderr;
}

test("share and join without any argument: names, services and options from the file, and a line that says so", async () => {
	await using page = serve(() => new Response("the page"));
	const [, port] = page.address.split(":");
	await using folder = await project(`
		name = "shop"
		[services]
		frontend = ${port}
		mail = "localhost:1"
		[share]
		max-peers = 3
		${OFFLINE_TOML}
		[join]
		no-reconnect = true
		${OFFLINE_TOML}${LOCAL_TOML}`);
	const options = { cwd: folder.path };
	await using hub = start(["share"], options);
	await hub.line(/^Hub 'shop' is running$/);
	const [, ticket = ""] = await hub.line(/^Ticket: (\S+)$/);
	expect(hub.stderr).toStartWith(
		`Using hivemind.toml: frontend (127.0.0.1:${port}), mail (localhost:1); ` +
			"--max-peers 3, --no-relay, --ipv4-addr 127.0.0.1:0.\n",
	);
	await using peer = start(["join", "--ticket", "-"], options);
	peer.type(`${ticket}\n`);
	await peer.line(/^Press Ctrl\+C to stop\.$/);
	expect(peer.stderr).toStartWith("Using hivemind.toml: --no-reconnect, --no-relay, --ipv4-addr 127.0.0.1:0, ");
	const [, url = ""] = await peer.line(/^ {2}frontend +(\S+)/);
	expect(await get(url)).toBe("the page");
	hub.signal("SIGTERM");
	// The peer does not look for it again: that is from the file, too.
	expect((await peer.exited).status).toBe(EXIT_STATUS.lost.status);
});

test("the identity of a file in a fresh clone: its folder, which nobody commits, is created", async () => {
	await using folder = await project(`name = "shop"
[services]
web  = 3000
api  = "localhost:8000"
mail = 8025
[share]            # any long option of share
wormhole = true
identity = ".hivemind/hub.key"
[join]             # any long option of join
bind = { web = 3001 }
`);
	const said = await sharing(["--wormhole=false", ...OFFLINE], { cwd: folder.path });
	expect(said).toStartWith(
		"Using hivemind.toml: web (127.0.0.1:3000), api (localhost:8000), mail (127.0.0.1:8025); " +
			"--identity .hivemind/hub.key.\n",
	);
	expect((await stat(join(folder.path, ".hivemind"))).mode & 0o777).toBe(0o700);
	expect((await stat(join(folder.path, ".hivemind", "hub.key"))).mode & 0o777).toBe(0o600);
});

test("an identity that cannot be had names the line of the file", async () => {
	await using folder = await project(`[services]\nweb = 1\n[share]\nidentity = "a/b/c"\n`);
	const finished = await run(["share", ...OFFLINE], { cwd: folder.path });
	expect(finished.status).toBe(EXIT_STATUS.identity.status);
	expect(finished.stderr).toEndWith(
		"does not exist. --identity is set in hivemind.toml, line 4. Create the folder: mkdir -p a/b\n",
	);
});

describe("the command line and the environment come first", () => {
	const FILE = `name = "shop"\n[services]\nweb = 1\n[share]\nwormhole = true\nqr = true\nrelay-url = ["https://r.test"]\n`;

	test("services that are typed replace those of the file; what is excluded or switched off is not used", async () => {
		await using folder = await project(FILE);
		const said = await sharing(["api=2", "--wormhole=false", ...OFFLINE], { cwd: folder.path });
		expect(said).toBe("");
		const named = await sharing(["my-hub", "--wormhole=false", ...OFFLINE], { cwd: folder.path });
		expect(named).toBe("Using hivemind.toml: web (127.0.0.1:1).\n");
	});

	test("a name that is typed is the hub's", async () => {
		await using folder = await project(FILE);
		for (const words of [["my-hub"], ["--name", "my-hub"]]) {
			await using hub = start(["share", ...words, "--wormhole=false", ...OFFLINE], { cwd: folder.path });
			await hub.line(/^Hub 'my-hub' is running$/);
		}
	});

	test("an environment variable beats the file", async () => {
		await using folder = await project(`${FILE}wormhole-relay = "nonsense"\n`);
		const env = { HIVEMIND_P2P_WORMHOLE_RELAY: "http://127.0.0.1:1" };
		await using hub = start(["share", ...OFFLINE], { cwd: folder.path, env });
		await hub.line(/^The mailbox server ws:\/\/127\.0\.0\.1:1\S* cannot be reached/);
		const without = await run(["share", ...OFFLINE], { cwd: folder.path });
		expect(without.status).toBe(EXIT_STATUS.usage.status);
		expect(without.stderr).toContain("nonsense");
	});

	test("services that --only leaves out may be bound in the file, and @ALIAS needs no saving", async () => {
		await using folder = await project("[join]\nsave = true\nbind = { web = 3001, db = 5433 }\n");
		const options = { cwd: folder.path, env: { XDG_STATE_HOME: folder.path } };
		const one = await run(["join", "--only", "web", "--ticket", "nonsense"], options);
		expect(one.stderr).toStartWith("Using hivemind.toml: --save, --bind web=3001.\n");
		expect(one.status).toBe(EXIT_STATUS.ticket.status);
		const saved = await run(["join", "@work"], options);
		expect(saved.stderr).toContain("error: No hub is saved as '@work'.");
	});

	test("--no-config uses nothing of it, and other commands do not look at it", async () => {
		await using folder = await project("x");
		const options = { cwd: folder.path };
		expect(await sharing(["3000", "--no-config", ...OFFLINE], options)).toBe("");
		expect((await run(["demo", "--once"], options)).status).toBe(0);
		expectError(await run(["share", "3000", ...OFFLINE], options), "usage", /^error: hivemind\.toml, line 1: /);
	});
});

describe("which file is read", () => {
	const FILE = `[services]\nweb = 1\n[share]\n${OFFLINE_TOML}`;
	const used = (path: string) => `Using ${path}: web (127.0.0.1:1); --no-relay, --ipv4-addr 127.0.0.1:0.\n`;

	test("one that others may write only with --config, and the program says why", async () => {
		await using folder = await project(FILE, 0o666);
		const options = { cwd: folder.path };
		const why =
			"hivemind.toml is not read: it can be changed by others (chmod go-w prevents that). " +
			"To use it as it is: --config hivemind.toml\n";
		expect(await sharing(["3000", ...OFFLINE], options)).toBe(why);
		const refused = await run(["share"], options);
		expect(refused.status).toBe(EXIT_STATUS.usage.status);
		expect(refused.stderr).toStartWith(`${why}error: 'share' needs a service.`);
		expect(refused.stderr).not.toContain("init");
		expect(await sharing(["--config", "hivemind.toml"], options)).toBe(used("hivemind.toml"));
	});

	test.skipIf(process.getuid?.() !== 0)("another user's only with --config", async () => {
		await using folder = await project(FILE);
		await chown(join(folder.path, "hivemind.toml"), 1000, 1000);
		const options = { cwd: folder.path };
		expect(await sharing(["3000", ...OFFLINE], options)).toContain("it belongs to another user (uid 1000)");
		expect(await sharing(["--config", "hivemind.toml"], options)).toBe(used("hivemind.toml"));
	});

	test("one in a folder above only with --config; its paths start from its own folder", async () => {
		await using folder = await project(`${FILE}identity = "key"\n`);
		const cwd = join(folder.path, "a", "b");
		await mkdir(cwd, { recursive: true });
		expect(await sharing(["3000", ...OFFLINE], { cwd })).toBe(
			"../../hivemind.toml is in a folder above, and is not read by itself. To use it: --config ../../hivemind.toml\n",
		);
		const said = await sharing(["--config", "../../hivemind.toml"], { cwd });
		expect(said).toStartWith("Using ../../hivemind.toml: web (127.0.0.1:1); ");
		expect(said).toContain("--identity ../../key.");
		expect(await Bun.file(join(folder.path, "key")).exists()).toBe(true);
	});
});

describe("a mistake in it is one line, with the line of the file", () => {
	const TABLE: [symptom: string, text: string, message: RegExp][] = [
		["no TOML", "[services]\nweb = yes", /^error: hivemind\.toml, line 2: Strings must be quoted: "yes"\. .*TOML/],
		["an unknown key", "servces = 1", /line 1: Unknown key 'servces'\. Did you mean 'services'\?/],
		[
			"an unknown option",
			"[share]\n\nwormole = true",
			/line 3: 'share' has no option 'wormole'\. Did you mean 'wormhole'\?/,
		],
		[
			"a mistake in the other command's table",
			"[join]\nno-relay = 1",
			/line 2: 'no-relay' must be true or false, not 1\./,
		],
		["an option at the top", "wormhole = true", /line 1: 'wormhole' belongs below \[share\]\./],
		["a ticket", '[join]\nticket = "endpointx"', /line 2: 'ticket' cannot be set here\. It is a secret/],
		["a join code", '[join]\njoin-code = "5-a-b"', /line 2: 'join-code' cannot be set here\. It is a secret/],
		["rotating at each start", "[share]\nrotate = true", /line 2: 'rotate' cannot be set here\. Every start/],
		["help", "[share]\nhelp = true", /line 2: 'help' cannot be set here\./],
		["a service that is not one", '[services]\nweb = "x y"', /line 2: The service 'web': 'x y' /],
		["a service's name", "[services]\nWeb = 3000", /line 2: 'Web' is not a valid name for a service\. .*web=3000/],
		[
			"the hub's name below [share]",
			'[share]\nname = "x"',
			/line 2: 'name' cannot be set here\. The key 'name' at the top/,
		],
		[
			"a value",
			"[services]\nweb = 1\n[share]\nmax-peers = 0",
			/--max-peers: '0' .*--max-peers is set in hivemind\.toml, line 4\./,
		],
		[
			"options that exclude each other",
			'[services]\nweb = 1\n[share]\nno-relay = true\nrelay-url = "https://r.test"',
			/exclude each other\. .*line 5\. .*line 4\.|exclude each other\. .*line 4\. .*line 5\./,
		],
		[
			"control characters",
			'[share]\nalpn = "\\u001b[2J"',
			/'alpn' must be one of hivemind, federated-hivemind, not ' \[2J'/,
		],
	];

	test.each(TABLE)("%s", async (_symptom, text, message) => {
		await using folder = await project(text);
		const finished = await run(["share"], { cwd: folder.path });
		const stderr = finished.stderr.replace(/^Using .*\n/, "");
		expectError({ ...finished, stderr }, "usage", message);
	});

	test.each([
		["is not there", "none.toml", /^error: --config: none\.toml does not exist\.$/m],
		["is a folder", ".", /^error: --config: \. is not a regular file\.$/m],
		["is not a file", "/dev/null", /^error: --config: \/dev\/null is not a regular file\.$/m],
		["is too large", "large.toml", /^error: large\.toml is larger than 16 KiB\.$/m],
	])("a file that %s", async (_what, path, message) => {
		await using folder = await scratch({ "large.toml": "#".repeat(20_000) });
		expectError(await run(["share", "3000", "--config", path], { cwd: folder.path }), "usage", message);
	});
});

const READ_ONLY = [
	"unshare",
	"-m",
	"sh",
	"-c",
	`mount --bind "$PWD" "$PWD" && mount -o remount,bind,ro "$PWD" && mount -o remount,bind,ro / && cd "$PWD" &&
		exec setpriv --reuid=65534 --regid=65534 --clear-groups "$0" "$@"`,
];

describe.skipIf(!available("another user on a read-only root", [...READ_ONLY, "true"]))(
	"as uid 65534 on a read-only root",
	() => {
		test("root's file is read, and nothing has to be written", async () => {
			await using folder = await project(`[services]\nweb = 1\n[share]\n${OFFLINE_TOML}`);
			const said = await sharing([], { cwd: folder.path, wrapper: READ_ONLY });
			expect(said).toStartWith("Using hivemind.toml: web (127.0.0.1:1); ");
		});

		test("an identity that the file names says that it needs a disk", async () => {
			await using folder = await project(`[services]\nweb = 1\n[share]\n${OFFLINE_TOML}identity = "a/key"\n`);
			const finished = await run(["share"], { cwd: folder.path, wrapper: READ_ONLY });
			expect(finished.status).toBe(EXIT_STATUS.identity.status);
			expect(finished.stderr).toContain("The identity file a/key cannot be created: the file system is read-only.");
		});

		test("init says so, too", async () => {
			await using folder = await scratch({});
			await chmod(folder.path, 0o755);
			const finished = await run(["init", "--yes"], { cwd: folder.path, wrapper: READ_ONLY });
			expectError(finished, "file", /^error: hivemind\.toml cannot be written: the file system is read-only\. /);
		});
	},
);
