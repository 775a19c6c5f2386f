// Admission and reconnecting with the real executable: identities, tickets that expire, limits on peers, and a hub that
// goes away and comes back.
import { describe, expect, test } from "bun:test";
import { copyFileSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { EXIT_STATUS } from "../../src/base/errors.ts";
import { parseTicket } from "../../src/invite/ticket.ts";
import { type Program, run, start } from "../support/executable.ts";
import { withoutFlock } from "../support/holder.ts";
import {
	available,
	DOWN,
	expectError,
	get,
	type Hub,
	hub,
	joining,
	OFFLINE,
	peer,
	scratch,
	serve,
} from "./terminals.ts";

const LOST = EXIT_STATUS.lost.status;

/** The options that bind a hub to the UDP ports in a ticket again. */
async function samePorts(ticket: string): Promise<string[]> {
	const direct = (await parseTicket(ticket)).address.directAddresses();
	const at = (start: string) => direct.find((address) => address.startsWith(start)) as string;
	return ["--ipv4-addr", at("127.0.0.1:"), ...(at("[::1]:") ? ["--ipv6-addr", at("[::1]:")] : [])];
}

/** A hub with the ports of one that has ended; with `--identity`, it has the same identity as well. */
async function again(services: readonly string[], ticket: string, ...more: string[]): Promise<Hub> {
	const [frontend = DOWN, backend = DOWN, websocket = DOWN] = services;
	const ports = await samePorts(ticket);
	const program = start(["share", frontend, backend, websocket, "my-hub", "--no-relay", ...ports, ...more]);
	const [, printed = ""] = await program.line(/^Ticket: (.+)$/);
	return { program, ticket: printed, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

async function end(program: Program, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
	program.signal(signal);
	await program.exited;
}

const identity = (file: string) => run(["identity", file]);
const denied = (ticket: string, reason: RegExp, ...more: string[]) =>
	run(joining(ticket, ...more)).then((finished) => expectError(finished, "denied", reason));

describe("identity FILE", () => {
	test("creates the file and prints the public id, the same one every time", async () => {
		await using folder = await scratch({});
		const file = join(folder.path, "me");
		const first = await identity(file);
		expect(first).toMatchObject({ status: 0, stderr: "" });
		expect(first.stdout).toMatch(/^[0-9a-f]{64}\n$/);
		expect(statSync(file).mode & 0o777).toBe(0o600);
		expect(await identity(file)).toEqual(first);
		const other = await identity(join(folder.path, "other"));
		expect(other.stdout).not.toBe(first.stdout);
	});

	test("--rotate keeps the id, and says what no longer works", async () => {
		await using folder = await scratch({});
		const file = join(folder.path, "me");
		const { stdout } = await identity(file);
		const rotated = await run(["identity", file, "--rotate"]);
		expect(rotated).toMatchObject({ status: 0, stdout });
		expect(rotated.stderr).toMatch(
			/^The identity has a new secret: old tickets and join codes no longer work\. [^\n]*\n$/,
		);
	});

	test("a peer with a copy of the hub's identity: status 15, with the reason", async () => {
		await using folder = await scratch({});
		const [file, copy] = [join(folder.path, "hub"), join(folder.path, "copy")];
		await using sharing = await hub([], ["--identity", file]);
		copyFileSync(file, copy);
		const finished = await run(joining(sharing.ticket, "--identity", copy));
		expectError(finished, "identity", /^error: This is the hub's own identity: a peer needs another one\. /);
	});

	test.skipIf(!available("a broken flock", withoutFlock("ENOLCK", "true")))(
		"on a file system without locks: not 'in use by another program', but a warning, by share, join and --rotate",
		async () => {
			await using folder = await scratch({});
			const file = join(folder.path, "me");
			const wrapper = withoutFlock("ENOLCK");
			const warning = `The identity file ${file} cannot be locked on this file system: make sure that only one program uses it.`;
			await using sharing = await hub([], ["--identity", file], { wrapper });
			expect(sharing.program.stderr.split("\n")).toContain(warning);
			const looking = await run(["identity", file], { wrapper });
			expect(looking).toMatchObject({ status: 0, stderr: "" });
			const rotating = await run(["identity", file, "--rotate"], { wrapper });
			expect(rotating.stderr.split("\n")[0]).toBe(warning);
			await using joined = await peer(sharing.ticket, ["--identity", `${file}-peer`], { wrapper });
			expect(joined.program.stderr).toContain("cannot be locked on this file system");
		},
	);

	test("never prints the file's secrets", async () => {
		await using folder = await scratch({});
		const file = join(folder.path, "me");
		const { stdout } = await identity(file);
		const [, key = "", secret = ""] = /^key (\w+)\nsecret (\w+)$/m.exec(readFileSync(file, "latin1")) ?? [];
		expect(secret).toHaveLength(26);
		expect(stdout).not.toContain(secret);
		expect(stdout).not.toContain(key);
	});

	test.each([
		[
			"in a folder that does not exist",
			"missing/too/me",
			/folder does not exist\. Create the folder: mkdir -p .*missing\/too\n/,
		],
		["a folder", ".", /is a folder/],
		["damaged", "damaged", /is damaged, or not an identity file/],
	])("%s: status 15", async (_, name, message) => {
		await using folder = await scratch({ damaged: "hello" });
		await Bun.$`chmod 600 ${join(folder.path, "damaged")}`;
		expectError(await identity(join(folder.path, name)), "identity", message);
		expect(readFileSync(join(folder.path, "damaged"), "latin1")).toBe("hello");
	});

	test("readable by others: status 15, with the command that fixes it", async () => {
		await using folder = await scratch({});
		const file = join(folder.path, "me");
		await identity(file);
		await Bun.$`chmod 644 ${file}`;
		expectError(await identity(file), "identity", /can be read by others\. .*chmod 600 /);
		expectError(await run(joining("endpointaaaa", "--identity", file)), "identity", /can be read by others/);
	});

	const READ_ONLY = ["unshare", "-m", "sh", "-c", `mount -t tmpfs -o ro none "$FOLDER" && exec "$0" "$@"`];
	test.skipIf(!available("a read-only file system", ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"]))(
		"on a read-only file system: status 15",
		async () => {
			await using folder = await scratch({});
			const options = { wrapper: READ_ONLY, env: { FOLDER: folder.path } };
			expectError(await run(["identity", join(folder.path, "me")], options), "identity", /read-only/);
		},
	);
});

describe("a disk that is full", () => {
	// No file may grow: writes fail as on a full disk.
	const FULL = ["sh", "-c", `trap '' XFSZ; ulimit -f 0; exec "$0" "$@"`];

	test("a new identity: status 15, and no half-written file is left in the way", async () => {
		await using folder = await scratch({});
		const file = join(folder.path, "me");
		expectError(await run(["identity", file], { wrapper: FULL }), "identity", /./);
		expect((await identity(file)).status).toBe(0);
	});

	test("--rotate: status 15, and the identity is unchanged", async () => {
		await using folder = await scratch({});
		const file = join(folder.path, "me");
		const { stdout } = await identity(file);
		const args = ["share", DOWN, DOWN, DOWN, "my-hub", "--identity", file, "--rotate", ...OFFLINE];
		expectError(await run(args, { wrapper: FULL }), "identity", /./);
		expect((await identity(file)).stdout).toBe(stdout);
	});
});

describe("share --identity", () => {
	test("keeps the hub's ticket across restarts, so that peers with the old one can join", async () => {
		await using folder = await scratch({});
		const file = join(folder.path, "hub");
		await using frontend = serve(() => new Response("here"));
		await using first = await hub([frontend.address], ["--identity", file]);
		await end(first.program);
		await using second = await again([frontend.address], first.ticket, "--identity", file);
		expect(second.ticket).toBe(first.ticket);
		await using joined = await peer(first.ticket);
		expect(await get(joined.urls.frontend)).toBe("here");
		const id = (await parseTicket(first.ticket)).address.id().toString();
		await end(second.program);
		expect((await identity(file)).stdout.trim()).toBe(id);
	});

	test("--rotate: the old ticket is denied, the new one leads to the same hub", async () => {
		await using folder = await scratch({});
		const file = join(folder.path, "hub");
		await using first = await hub([], ["--identity", file]);
		await end(first.program);
		await using second = await again([], first.ticket, "--identity", file, "--rotate");
		expect(second.ticket.split(".")[0]).toBe(first.ticket.split(".")[0] as string);
		expect(second.ticket).not.toBe(first.ticket);
		await denied(first.ticket, /the ticket is not, or no longer, valid at this hub/);
		await using joined = await peer(second.ticket);
		await end(second.program);
		await end(joined.program);
		await using third = await again([], first.ticket, "--identity", file);
		expect(third.ticket).toBe(second.ticket);
	});

	test("--rotate on a command line with a mistake changes nothing", async () => {
		await using folder = await scratch({});
		const file = join(folder.path, "hub");
		await identity(file);
		const before = readFileSync(file, "latin1");
		for (const mistake of [
			["--max-peers", "0"],
			["--expires", "soon"],
			["--allow", "me"],
			["--relay-url", "x"],
		]) {
			const args = ["share", DOWN, DOWN, DOWN, "my-hub", "--identity", file, "--rotate", ...mistake];
			expectError(await run(args), "usage", /^error: --/);
			expect(readFileSync(file, "latin1")).toBe(before);
		}
	});

	test("two programs with one identity: status 15 for the second; a killed one leaves no lock behind", async () => {
		await using folder = await scratch({});
		const file = join(folder.path, "hub");
		await using first = await hub([], ["--identity", file]);
		const inUse = /is in use by another program\. Each running program needs an identity of its own\./;
		const second = ["share", DOWN, DOWN, DOWN, "my-hub", "--identity", file, ...OFFLINE];
		expectError(await run(second), "identity", inUse);
		expectError(await run([...second, "--rotate"]), "identity", inUse);
		expectError(await run(joining(first.ticket, "--identity", file)), "identity", inUse);
		// Printing the public id needs no lock.
		expect(await identity(file)).toMatchObject({ status: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/) });
		await end(first.program, "SIGKILL");
		await using third = await hub([], ["--identity", file]);
		expect(third.ticket.split(".")[1]).toBe(first.ticket.split(".")[1] as string);
	});
});

describe("which peers are admitted", () => {
	test("a ticket without its secret: denied, status 14", async () => {
		await using sharing = await hub([]);
		expect(sharing.ticket).toMatch(/^endpoint[a-z2-7]+\.[a-z2-7]{26}$/);
		await denied(sharing.ticket.split(".")[0] as string, /the ticket is not, or no longer, valid at this hub/);
		await using joined = await peer(sharing.ticket);
		await end(joined.program);
	});

	test("--open: the ticket has no secret, and every peer with it is admitted", async () => {
		await using folder = await scratch({});
		await using frontend = serve(() => new Response("here"));
		await using sharing = await hub([frontend.address], ["--open", "--identity", join(folder.path, "hub")]);
		expect(sharing.ticket).toMatch(/^endpoint[a-z2-7]+$/);
		await using joined = await peer(sharing.ticket);
		expect(await get(joined.urls.frontend)).toBe("here");
	});

	test("--allow: the peers on the list, by their identities, and no others", async () => {
		await using folder = await scratch({});
		const [one = "", two = "", three = ""] = ["one", "two", "three"].map((name) => join(folder.path, name));
		const ids = (await Promise.all([identity(one), identity(two)])).map(({ stdout }) => stdout.trim());
		await using sharing = await hub(
			[],
			ids.flatMap((id, i) => ["--allow", i === 0 ? id.toUpperCase() : id]),
		);
		for (const file of [one, two]) {
			await using joined = await peer(sharing.ticket, ["--identity", file]);
			await end(joined.program);
		}
		await denied(sharing.ticket, /admits only the peers on its list/, "--identity", three);
		await denied(sharing.ticket, /admits only the peers on its list\. Tell its owner your public id/);
	});

	test("--max-peers 1: the second peer is told that the hub is full, and the first is not affected", async () => {
		await using frontend = serve(() => new Response("here"));
		await using sharing = await hub([frontend.address], ["--max-peers", "1"]);
		await using first = await peer(sharing.ticket);
		await denied(sharing.ticket, /the hub is full\. Try again when another peer has left/);
		await sharing.program.line(/^Denied .*: the hub is full\.$/);
		expect(await get(first.urls.frontend)).toBe("here");
		await end(first.program);
		await sharing.program.line(/^Peer .* left: the peer was stopped\.$/);
		await using second = await peer(sharing.ticket);
		expect(await get(second.urls.frontend)).toBe("here");
	});

	test("--once: one peer, which may come back, and no others", async () => {
		await using folder = await scratch({});
		const me = ["--identity", join(folder.path, "me")];
		await using sharing = await hub([], ["--once"]);
		await using first = await peer(sharing.ticket, me);
		await sharing.program.line(/^One peer has joined: nobody else is admitted/);
		await denied(sharing.ticket, /admits only one peer, and that peer has already joined/);
		await end(first.program);
		await denied(sharing.ticket, /admits only one peer, and that peer has already joined/);
		await using back = await peer(sharing.ticket, me);
		await end(back.program);
	});

	test("--once with join codes: no further code once a peer has joined by one", async () => {
		await using mailbox = start(["mailbox", "--listen", "127.0.0.1:0"]);
		const [, url = ""] = await mailbox.line(/^Mailbox server for join codes: (ws:\S+)$/);
		const codes = ["--wormhole", "--wormhole-relay", url];
		await using sharing = start(["share", DOWN, DOWN, DOWN, "my-hub", "--once", ...codes, ...OFFLINE]);
		const [, code = ""] = await sharing.line(/^Join code: (\S+)$/);
		const local = joining("x", "--wormhole-relay", url).filter((word) => word !== "--ticket" && word !== "x");
		await using joined = start([...local, "--join-code", code]);
		await joined.line(/^Press Ctrl\+C to stop\.$/);
		await end(joined);
		await end(sharing);
		// The hub shows the next code only if that peer does not join, and it did.
		const late = [...sharing.stdout.matchAll(/^Join code: (\S+)$/gm)].map(([, it]) => it as string).slice(1);
		expect(late).toEqual([]);
	});

	test("--expires: no new peer afterwards; those already connected stay", async () => {
		await using frontend = serve(() => new Response("here"));
		// The time starts with the program, and on a slow machine the hub and the first peer take seconds to start.
		await using sharing = await hub([frontend.address], ["--expires", "6s"]);
		await using early = await peer(sharing.ticket);
		await sharing.program.line(/^The invitation has expired: nobody else is admitted/);
		await denied(sharing.ticket, /the invitation has expired/);
		expect(await get(early.urls.frontend)).toBe("here");
	}, 30_000);
});

describe("a hub that stops", () => {
	const GONE = /^The hub (says goodbye|is gone): the hub was stopped\. Looking for it again …$/;

	test("announces it at once: the peer prints it while a running request still waits for its answer", async () => {
		const asked = Promise.withResolvers<void>();
		const answer = Promise.withResolvers<void>();
		await using frontend = serve(async () => {
			asked.resolve();
			await answer.promise;
			return new Response("late, but whole");
		});
		await using sharing = await hub([frontend.address]);
		await using joined = await peer(sharing.ticket);
		const reply = get(joined.urls.frontend);
		await asked.promise;
		sharing.program.signal("SIGTERM");
		await joined.program.line(GONE);
		answer.resolve();
		expect(await reply).toBe("late, but whole");
		expect((await sharing.program.exited).status).toBe(0);
	});

	test("ends a peer that has --no-reconnect: status 8, with the reason", async () => {
		await using sharing = await hub([]);
		await using joined = await peer(sharing.ticket, ["--no-reconnect"]);
		sharing.program.signal("SIGTERM");
		const { status, stderr } = await joined.program.exited;
		expect(stderr).toMatch(/^error: The hub (says goodbye|is gone): the hub was stopped\. [^\n]*--no-reconnect/m);
		expect(status).toBe(LOST);
	});

	test.each(["SIGTERM", "SIGKILL"] as const)(
		"and is restarted with the same identity and port: the peer works again (%s)",
		async (signal) => {
			await using folder = await scratch({});
			const file = join(folder.path, "hub");
			await using frontend = serve(() => new Response("here"));
			await using first = await hub([frontend.address], ["--identity", file]);
			await using joined = await peer(first.ticket);
			expect(await get(joined.urls.frontend)).toBe("here");
			await end(first.program, signal);
			await joined.program.line(signal === "SIGTERM" ? GONE : /^The hub .*\. Looking for it again …$/);
			await using second = await again([frontend.address], first.ticket, "--identity", file);
			await joined.program.line(/^Connected again after [\d.]+ s \(direct \S+:\d+\)\.$/);
			expect(await get(joined.urls.frontend)).toBe("here");
			// The other two services were down before and still are.
			expect(joined.program.stderr).not.toContain("is running again");
			await end(joined.program);
			expect((await joined.program.exited).status).toBe(0);
			await second.program.line(/^Peer .* left: the peer was stopped\.$/);
		},
		60_000,
	);

	// The old connection would also end after 30 s of silence, so this test's timeout is shorter.
	test("by kill -9 and is restarted: requests to the old one are reset once the new one is found", async () => {
		await using folder = await scratch({});
		const file = join(folder.path, "hub");
		const asked = Promise.withResolvers<void>();
		await using frontend = serve(() => {
			asked.resolve();
			return new Promise<Response>(() => {});
		});
		await using first = await hub([frontend.address], ["--identity", file]);
		await using joined = await peer(first.ticket);
		const hanging = get(joined.urls.frontend).then(
			(text) => `answered: ${text}`,
			() => "reset",
		);
		await asked.promise;
		await end(first.program, "SIGKILL");
		await using _second = await again([frontend.address], first.ticket, "--identity", file);
		await joined.program.line(/^Connected again after/);
		expect(await hanging).toBe("reset");
	}, 20_000);

	test("and is restarted: a connection made in between waits for it", async () => {
		await using folder = await scratch({});
		const file = join(folder.path, "hub");
		await using frontend = serve(() => new Response("here"));
		await using first = await hub([frontend.address], ["--identity", file]);
		await using joined = await peer(first.ticket);
		await end(first.program);
		await joined.program.line(GONE);
		const reply = get(joined.urls.frontend);
		await using _second = await again([frontend.address], first.ticket, "--identity", file);
		expect(await reply).toBe("here");
	}, 60_000);

	test("and is restarted with another secret: the peer ends with the reason instead of retrying", async () => {
		await using folder = await scratch({});
		const file = join(folder.path, "hub");
		await using first = await hub([], ["--identity", file]);
		await using joined = await peer(first.ticket);
		await end(first.program);
		await using _second = await again([], first.ticket, "--identity", file, "--rotate");
		const { status, stderr } = await joined.program.exited;
		expect(stderr).toMatch(/^error: The hub denied access: the ticket is not, or no longer, valid/m);
		expect(status).toBe(EXIT_STATUS.denied.status);
	}, 60_000);

	test("a peer that is stopped while it looks for its hub exits 0 at once", async () => {
		await using sharing = await hub([]);
		await using joined = await peer(sharing.ticket);
		await end(sharing.program);
		await joined.program.line(GONE);
		await end(joined.program, "SIGINT");
		expect((await joined.program.exited).status).toBe(0);
	});
});

test.skipIf(process.platform === "win32")(
	"a peer that was itself stopped (Ctrl+Z) does not blame its hub when it continues",
	async () => {
		await using frontend = serve(() => new Response("here"));
		await using sharing = await hub([frontend.address]);
		await using joined = await peer(sharing.ticket);
		joined.program.signal("SIGSTOP");
		// Longer than the silence after which a peer suspects its hub. The test is about real time, so it has to pass.
		await Bun.sleep(5000);
		joined.program.signal("SIGCONT");
		expect(await get(joined.urls.frontend)).toBe("here");
		await end(joined.program);
		expect((await joined.program.exited).stderr).not.toContain("has not answered");
	},
	20_000,
);

test("the peer reports that a service is down, and later that it is running again", async () => {
	await using backend = serve(() => new Response("here"));
	const { address } = backend;
	await using sharing = await hub([DOWN, address]);
	await using joined = await peer(sharing.ticket);
	expect(await get(joined.urls.backend)).toBe("here");
	await backend[Symbol.asyncDispose]();
	// A service that was reached is not looked at: the next connection finds out.
	await get(joined.urls.backend).catch(() => {});
	await joined.program.line(new RegExp(`^The backend is not running on the hub \\(${address}\\)\\.$`));
	const [, port] = address.split(":");
	const back = Bun.serve({ hostname: "127.0.0.1", port: Number(port), fetch: () => new Response("back") });
	await joined.program.line(/^The backend is running again\.$/);
	expect(await get(joined.urls.backend)).toBe("back");
	await back.stop(true);
}, 30_000);
