// Where the executable has to work: in a directory with files that Bun would obey, in a read-only container, as another
// user, as PID 1. Each process has a mount namespace of its own, so the mounts vanish with it.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT_STATUS } from "../../src/base/errors.ts";
import { run } from "../support/executable.ts";
import { available, hub, OFFLINE, peer, scratch } from "./terminals.ts";

describe("a directory with files that Bun obeys", () => {
	const evil = `await Bun.write(import.meta.dir + "/ran", ""); console.log("HOSTILE CODE RAN");`;
	const env = "HIVEMIND_P2P_TICKET=nonsense\n";
	const HOSTILE = {
		"bunfig.toml": `preload = ["./evil.ts"]\n[run]\npreload = ["./evil.ts"]\n`,
		"evil.ts": evil,
		".env": env,
		".env.local": env,
		".env.production": env,
		".env.development": env,
		"package.json": `{ "type": "module", "imports": { "@number0/iroh": "./evil.ts" } }`,
		"tsconfig.json": `{ "compilerOptions": { "paths": { "@number0/iroh": ["./evil.ts"] } } }`,
		"node_modules/@number0/iroh/package.json": `{ "name": "@number0/iroh", "main": "./index.js" }`,
		"node_modules/@number0/iroh/index.js": `throw new Error("HOSTILE CODE RAN");`,
	};
	const ran = (path: string) => Bun.file(join(path, "ran")).exists();

	test.each([[["--version"]], [["--help"]], [["demo", "--once"]]])("%p works and obeys none of them", async (args) => {
		await using directory = await scratch(HOSTILE);
		const { status, stdout, stderr } = await run(args, { cwd: directory.path });
		expect(status).toBe(0);
		expect(stdout + stderr).not.toContain("HOSTILE CODE RAN");
		expect(await ran(directory.path)).toBe(false);
	});

	test("join takes no ticket from them", async () => {
		await using directory = await scratch(HOSTILE);
		const { status } = await run(["join", "my-peer", ...OFFLINE], { cwd: directory.path });
		expect(status).toBe(EXIT_STATUS.usage.status);
	});

	test("the same files do affect Bun, and the variable does affect join (otherwise the tests above prove nothing)", async () => {
		await using directory = await scratch({ ...HOSTILE, "main.ts": "" });
		const bun = Bun.spawn([process.execPath, "main.ts"], { cwd: directory.path, stdout: "ignore", stderr: "ignore" });
		await bun.exited;
		expect(await ran(directory.path)).toBe(true);
		const { status } = await run(["join", "my-peer", ...OFFLINE], { env: { HIVEMIND_P2P_TICKET: "nonsense" } });
		expect(status).toBe(EXIT_STATUS.ticket.status);
	});
});

describe("variables that Bun obeys", () => {
	const FILES = {
		"evil.ts": `await Bun.write(import.meta.dir + "/ran", "");`,
		"evil.toml": `preload = ["./evil.ts"]\n`,
	};
	const ran = (path: string) => Bun.file(join(path, "ran")).exists();
	const REFUSED: [variable: string, value: string][] = [
		["BUN_OPTIONS", "--preload=./evil.ts"],
		["BUN_OPTIONS", "--import=./evil.ts"],
		["BUN_OPTIONS", "--require=./evil.ts"],
		["BUN_OPTIONS", "--config=./evil.toml"],
		["BUN_OPTIONS", "--disallow-code-generation-from-strings --preload=./evil.ts"],
		["BUN_INSPECT_PRELOAD", "./evil.ts"],
	];

	test.each(REFUSED)("%s=%s ends the program before any code of it has run", async (name, value) => {
		await using directory = await scratch(FILES);
		const options = { cwd: directory.path, env: { [name]: value } };
		const { status, stdout, stderr } = await run(["--version"], options);
		expect(await ran(directory.path)).toBe(false);
		expect(status).not.toBe(0);
		expect(stdout).toBe("");
		expect(stderr).toContain("Code generation from strings disallowed");
	});

	test.each(REFUSED)(
		"%s=%s does run it in plain Bun (otherwise the test above proves nothing)",
		async (name, value) => {
			await using directory = await scratch({ ...FILES, "main.ts": "" });
			const env = { PATH: process.env.PATH ?? "", [name]: value };
			const bun = Bun.spawn([process.execPath, "main.ts"], {
				cwd: directory.path,
				env,
				stdout: "ignore",
				stderr: "ignore",
			});
			await bun.exited;
			expect(await ran(directory.path)).toBe(true);
		},
	);

	test("BUN_INSPECT opens no debugger: the program says why it does not start", async () => {
		const { status, stdout, stderr } = await run(["--version"], { env: { BUN_INSPECT: "127.0.0.1:0" } });
		expect(stderr).toMatch(/^error: BUN_INSPECT cannot be used/);
		expect(stderr).not.toContain("ws://");
		expect(stdout).toBe("");
		expect(status).toBe(1);
	});

	test("BUN_INSPECT_CONNECT_TO, which editors set in their terminals, connects to nothing", async () => {
		let connections = 0;
		const editor = Bun.listen({
			hostname: "127.0.0.1",
			port: 0,
			socket: { open: () => void connections++, data() {} },
		});
		const env = { BUN_INSPECT_CONNECT_TO: `tcp://127.0.0.1:${editor.port}` };
		const { status, stdout, stderr } = await run(["demo", "--once"], { env });
		expect(stderr).toContain("BUN_INSPECT_CONNECT_TO is ignored");
		expect(stdout).toContain("every byte as it was sent");
		expect(status).toBe(0);
		expect(connections).toBe(0);
		editor.stop(true);
	});

	test.each([
		["BUN_OPTIONS", "--smol"],
		["BUN_OPTIONS", "--inspect=127.0.0.1:0"],
		["NODE_OPTIONS", "--require=./evil.ts --inspect=127.0.0.1:0"],
		["NODE_PATH", "."],
		["NAPI_RS_NATIVE_LIBRARY_PATH", "./evil.ts"],
	])("%s=%s changes nothing", async (name, value) => {
		await using directory = await scratch(FILES);
		const { status, stdout, stderr } = await run(["demo", "--once"], { cwd: directory.path, env: { [name]: value } });
		expect(stdout).toContain("every byte as it was sent");
		expect(stderr).not.toMatch(/inspect|debug/i);
		expect(status).toBe(0);
		expect(await ran(directory.path)).toBe(false);
	});
});

test("neither hub nor peer leaves anything behind in its directory, its home or its TMPDIR", async () => {
	await using places = await scratch({ "home/.keep": "", "tmp/.keep": "", "here/.keep": "" });
	const at = (name: string) => join(places.path, name);
	const env = { HOME: at("home"), TMPDIR: at("tmp"), XDG_CONFIG_HOME: at("home"), XDG_CACHE_HOME: at("home") };
	await using sharing = await hub([], [], { cwd: at("here"), env });
	await using joined = await peer(sharing.ticket, [], { cwd: at("here"), env });
	for (const { program } of [joined, sharing]) {
		program.signal("SIGTERM");
		expect(await program.exited).toMatchObject({ status: 0 });
	}
	expect(readdirSync(places.path, { recursive: true }).toSorted()).toEqual(
		["here", "here/.keep", "home", "home/.keep", "tmp", "tmp/.keep"].toSorted(),
	);
});

const NAMESPACES = process.platform === "linux" && available("mount namespaces", ["unshare", "-m", "true"]);

describe.skipIf(!NAMESPACES)("read-only places", () => {
	/** Everything is read-only; the usual places for files are mounted with `options`. The executable is in /mnt. */
	const sealed = (options: string, user: string) => `set -e
		mount -t tmpfs tmpfs /mnt
		touch /mnt/hivemind-p2p
		mount --bind "$0" /mnt/hivemind-p2p
		for place in /tmp /var/tmp /dev/shm /run /root /home; do
			if [ -d $place ]; then mount -t tmpfs -o ${options} tmpfs $place; fi
		done
		mount -o remount,bind,ro /mnt
		mount -o remount,bind,ro /
		if touch /a /mnt/a /usr/a 2>/dev/null; then echo writable >&2; exit 99; fi
		exec chroot --userspec=${user} / /mnt/hivemind-p2p "$@"`;

	/** A root with the system's libraries, /proc and nothing else: no /tmp, /var, /run or /etc. */
	const bare = (user: string) => `set -e
		mount -t tmpfs tmpfs /mnt
		cd /mnt
		mkdir proc usr dev
		touch hivemind-p2p dev/null dev/urandom
		mount --bind "$0" hivemind-p2p
		mount --rbind /proc proc
		mount --rbind /usr usr
		mount --bind /dev/null dev/null
		mount --bind /dev/urandom dev/urandom
		for place in bin lib lib64; do
			if [ -L /$place ]; then cp -P /$place .; elif [ -d /$place ]; then mkdir $place; mount --rbind /$place $place; fi
		done
		mount -o remount,bind,ro /mnt
		if touch /mnt/a 2>/dev/null; then echo writable >&2; exit 99; fi
		exec chroot --userspec=${user} /mnt /hivemind-p2p "$@"`;

	const PLACES: [place: string, script: (user: string) => string][] = [
		["/tmp is read-only", (user) => sealed("ro", user)],
		["/tmp is noexec", (user) => sealed("noexec", user)],
		["/tmp is read-only and noexec", (user) => sealed("ro,noexec", user)],
		["/tmp is full", (user) => sealed("size=4k,nr_inodes=8", user)],
		["/tmp is missing", bare],
	];

	for (const [who, user] of [
		["root", "0:0"],
		["uid 65534", "65534:65534"],
	] as const) {
		test.each(PLACES)(`%s, nothing else is writable, as ${who}: the tunnel works`, async (_place, script) => {
			const wrapper = ["unshare", "-m", "sh", "-c", script(user)];
			const { status, stdout, stderr } = await run(["demo", "--once"], { wrapper });
			expect(stderr).not.toContain("error");
			expect(stdout).toContain("every byte as it was sent");
			expect(status).toBe(0);
		});
	}

	test("an ordinary user's hub and peer connect", async () => {
		const wrapper = ["unshare", "-m", "sh", "-c", sealed("ro,noexec", "65534:65534")];
		await using sharing = await hub([], [], { wrapper });
		await using joined = await peer(sharing.ticket, [], { wrapper });
		await sharing.program.line(/^Peer .+ connected/);
		expect(joined.program.stderr).not.toContain("error");
	});
});

const PID_1 = ["unshare", "-p", "-f", "--mount-proc", "--kill-child"];
const CONTAINERS = process.platform === "linux" && available("PID namespaces", [...PID_1, "true"]);

describe.skipIf(!CONTAINERS)("as PID 1", () => {
	/** The one child of `unshare`, which is PID 1 inside. */
	const inside = (pid: number) => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8"));

	test.each(["SIGTERM", "SIGINT"] as const)("%s ends the hub with 0, and its peer is told", async (name) => {
		await using sharing = await hub([], [], { wrapper: PID_1 });
		await using joined = await peer(sharing.ticket, ["--no-reconnect"]);
		await sharing.program.line(/^Peer .+ connected/);
		process.kill(inside(sharing.program.pid), name);
		expect((await sharing.program.exited).status).toBe(0);
		expect((await joined.program.exited).stderr).toContain("The hub is gone: the hub was stopped.");
	});

	test("SIGTERM ends the peer with 0, and the hub is told", async () => {
		await using sharing = await hub([]);
		await using joined = await peer(sharing.ticket, [], { wrapper: PID_1 });
		await sharing.program.line(/^Peer .+ connected/);
		process.kill(inside(joined.program.pid), "SIGTERM");
		expect((await joined.program.exited).status).toBe(0);
		await sharing.program.line(/^Peer .+ left: the peer was stopped\.$/);
	});

	test("the status of an error is passed on", async () => {
		const { status } = await run(["join", "my-peer", "--ticket", "nonsense", ...OFFLINE], { wrapper: PID_1 });
		expect(status).toBe(3);
	});
});
