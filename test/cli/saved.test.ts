// Coming again without a code: `join --save`, `join @ALIAS` and `hubs`, as somebody uses them who joins the same hub every
// day. Every program has a state folder of the test's own.
import { describe, expect, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeSavedHub } from "../../src/invite/saved-hub.ts";
import { type Finished, type Program, type RunOptions, run, start } from "../support/executable.ts";
import { NOBODY, withoutFlock } from "../support/holder.ts";
import { available, DOWN, expectError, get, OFFLINE, scratch, serve, withoutWaiting } from "./terminals.ts";

const TERMINAL = ["sh", "-c", `exec script -qec "$(printf '%s ' "$0" "$@")" /dev/null`];
const LOCAL = ["--frontend-addr", "--backend-addr", "--ws-addr"].flatMap((option) => [option, "127.0.0.1:0"]);

/** A folder for a test, and the programs that keep their hubs in it. */
async function place() {
	const folder = await scratch({});
	const env = { XDG_STATE_HOME: join(folder.path, "state") };
	const hubs = join(env.XDG_STATE_HOME, "hivemind-p2p", "hubs");
	return {
		hubs,
		identity: join(folder.path, "hub.key"),
		mine: join(folder.path, "me.key"),
		file: (alias: string) => join(hubs, alias),
		saved: (alias: string) => decodeSavedHub(readFileSync(join(hubs, alias))),
		run: (...args: string[]) => run(args, { env }),
		/** `join` until it is told to end. */
		join: (...args: string[]) => start(["join", ...args, ...LOCAL, ...OFFLINE], { env }),
		/** `join` on a terminal, which asks for the invitation. */
		asked: () => start(["join", ...LOCAL, ...OFFLINE], { env, wrapper: TERMINAL }),
		/** `join` that does not get that far. */
		failing: (...args: string[]): Promise<Finished> => run(["join", ...args, ...LOCAL, ...OFFLINE], { env }),
		[Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
	};
}

interface Sharing extends AsyncDisposable {
	program: Program;
	ticket: string;
}

/** A hub called `Shop`, on any port unless one is given. */
async function hub({ port = 0, at = DOWN, name = "Shop" }, ...more: string[]): Promise<Sharing> {
	const program = start(["share", at, DOWN, DOWN, name, "--no-relay", "--ipv4-addr", `127.0.0.1:${port}`, ...more]);
	const [, ticket = ""] = await program.line(/^Ticket: (.+)$/);
	return { program, ticket, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

async function end(program: Program): Promise<Finished> {
	program.signal("SIGTERM");
	return program.exited;
}

async function freeUdpPort(): Promise<number> {
	const socket = await Bun.udpSocket({ hostname: "127.0.0.1", port: 0 });
	const { port } = socket;
	socket.close();
	return port;
}

const ready = (program: Program) => program.line(/^Press Ctrl\+C to stop\.$/);
const NEEDS_NO_CODE = (alias: string) =>
	new RegExp(`^Saved as @${alias}: 'hivemind-p2p join @${alias}' needs no code\\.$`);

test("saved by a join code; after a restart of the hub, @ALIAS needs no code and is the same peer", async () => {
	await using here = await place();
	await using page = serve(() => new Response("here"));
	await using mailbox = start(["mailbox", "--listen", "127.0.0.1:0"]);
	const [, url = ""] = await mailbox.line(/^Mailbox server for join codes: (ws:\S+)$/);
	const codes = ["--wormhole", "--wormhole-relay", url];
	const port = await freeUdpPort();
	await using first = await hub({ port, at: page.address }, "--identity", here.identity, ...codes);
	const [, code = ""] = await first.program.line(/^Join code: (\S+)$/);
	await using joined = here.join("me", "--join-code", code, "--wormhole-relay", url, "--save");
	await joined.line(NEEDS_NO_CODE("shop"));
	const [, id] = await first.program.line(/^Peer 'me' \((\w{10})\) connected/);
	expect(withoutWaiting((await end(joined)).stderr)).not.toContain("not outlive");
	await end(first.program);
	expect(statSync(here.file("shop")).mode & 0o7777).toBe(0o600);
	expect(statSync(here.hubs).mode & 0o7777).toBe(0o700);

	await using second = await hub({ port, at: page.address }, "--identity", here.identity);
	await using back = here.join("@shop");
	await ready(back);
	await second.program.line(new RegExp(`^Peer '.+' \\(${id}\\) connected`));
	const [, frontend = ""] = await back.line(/^ {2}frontend +(\S+)/);
	expect(await get(frontend)).toBe("here");
	const { status, stderr } = await end(back);
	expect(status).toBe(0);
	expect(stderr).not.toContain("Saved");
}, 60_000);

test.skipIf(!Bun.which("script"))("an alias is a good answer to the question for a code", async () => {
	await using here = await place();
	await using sharing = await hub({});
	await using joined = here.join("me", "--ticket", sharing.ticket, "--save");
	await joined.line(NEEDS_NO_CODE("shop"));
	await end(joined);
	await using back = here.asked();
	await back.shows("Join code or ticket: ");
	back.type("@shop\n");
	await back.line(/Press Ctrl\+C to stop\./);
	await using other = here.asked();
	await other.shows("Join code or ticket: ");
	other.type("@shopp\n");
	await other.line(/error: No hub is saved as '@shopp'\. Did you mean '@shop'\?/);
});

test("nothing is kept without --save", async () => {
	await using here = await place();
	await using sharing = await hub({});
	await using joined = here.join("me", "--ticket", sharing.ticket);
	await ready(joined);
	await end(joined);
	const { status, stdout, stderr } = await here.run("hubs");
	expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
	expect(stderr).toBe("No hub is saved. 'hivemind-p2p join CODE --save' keeps one.\n");
	expect(() => statSync(here.hubs)).toThrow();
});

test("a hub without an identity: the peer is told that the entry will not outlive it", async () => {
	await using here = await place();
	await using sharing = await hub({ port: await freeUdpPort() });
	await using joined = here.join("me", "--ticket", sharing.ticket, "--save", "kitchen");
	await joined.line(NEEDS_NO_CODE("kitchen"));
	await joined.line(/^This entry will not outlive the hub, whose ticket changes when it restarts\. /);
	await end(joined);
	expect((await here.run("hubs")).stdout).toMatch(/^@kitchen +Shop +\w{10} .* needs a new code$/m);
});

test("a hub with an identity, but neither a relay nor a fixed port, does not keep its ticket either", async () => {
	await using here = await place();
	await using sharing = await hub({}, "--identity", here.identity);
	await using joined = here.join("me", "--ticket", sharing.ticket, "--save");
	await joined.line(/^This entry will not outlive the hub, .* on a fixed UDP port\.$/);
});

describe("where --save may stand", () => {
	test.each([
		["behind everything", (ticket: string) => ["me", "--ticket", ticket, "--save"], "shop"],
		["with an alias behind everything", (ticket: string) => ["me", "--ticket", ticket, "--save", "mine"], "mine"],
		["in front", (ticket: string) => ["--save", "mine", "me", "--ticket", ticket], "mine"],
		["before another option", (ticket: string) => ["me", "--save", "--ticket", ticket], "shop"],
		["with an equals sign and @", (ticket: string) => ["me", "--save=@mine", "--ticket", ticket], "mine"],
	])("%s", async (_, words, alias) => {
		await using here = await place();
		await using sharing = await hub({});
		await using joined = here.join(...words(sharing.ticket));
		await joined.line(NEEDS_NO_CODE(alias));
		expect(readdirSync(here.hubs)).toEqual([alias]);
	});

	test.each([
		[["me", "--save", "Shop"], /--save: 'Shop' cannot be an alias\. .* as in 'shop'\./],
		[["me", "--save=../x"], /--save: '\.\.\/x' cannot be an alias\./],
		[["me", "--save="], /Option '--save' needs a value\./],
		[["@shop", "--save"], /@shop is saved already/],
		[["@shop"], /No hub is saved as '@shop'\. None is saved yet: 'hivemind-p2p join CODE --save' keeps one/],
		[["@../hub.key"], /No hub is saved as '@\.\.\/hub\.key'\./],
	])("a mistake in %p: said before anything is connected", async (words, message) => {
		await using here = await place();
		expectError(await here.failing(...words), "usage", message);
	});
});

test("the entry of another hub is not overwritten, unless its ticket was not to outlive it", async () => {
	await using here = await place();
	const port = await freeUdpPort();
	await using lasting = await hub({ port }, "--identity", here.identity);
	await using first = here.join("me", "--ticket", lasting.ticket, "--save");
	await first.line(NEEDS_NO_CODE("shop"));
	await end(first);
	const before = readFileSync(here.file("shop"));
	await using other = await hub({});
	await using second = here.join("me", "--ticket", other.ticket, "--save", "shop");
	await second.line(/^@shop is taken, so this hub is saved as @shop-2: 'hivemind-p2p join @shop-2' needs no code\.$/);
	await end(second);
	const key = here.saved("shop-2")?.key as Uint8Array;
	// Again, and the entry that it has by now is updated.
	await using once = here.join("me", "--ticket", other.ticket, "--save", "shop");
	await once.line(/^@shop is taken, so this hub is saved as @shop-2: /);
	await end(once);
	expect(here.saved("shop-2")?.key).toEqual(key);
	expect(readFileSync(here.file("shop")).equals(before)).toBe(true);
	await end(other.program);
	await using third = await hub({});
	await using joined = here.join("me", "--ticket", third.ticket, "--save", "shop-2");
	await joined.line(/^Saved as @shop-2, in the place of a hub whose ticket was not to outlive it: /);
	expect(readdirSync(here.hubs).toSorted()).toEqual(["shop", "shop-2"]);
}, 30_000);

test("a hub with a new secret: the old entry says what to do, and saving it again keeps the peer's identity", async () => {
	await using here = await place();
	const port = await freeUdpPort();
	await using first = await hub({ port }, "--identity", here.identity);
	await using joined = here.join("me", "--ticket", first.ticket, "--save");
	await joined.line(NEEDS_NO_CODE("shop"));
	const before = here.saved("shop");
	await end(joined);
	await end(first.program);
	await using second = await hub({ port }, "--identity", here.identity, "--rotate");
	expectError(
		await here.failing("@shop"),
		"denied",
		/The ticket that is saved as @shop may be an old one: ask for a new code, and save it: hivemind-p2p join CODE --save shop/,
	);
	for (const words of [["--save", "shop"], ["--save"]]) {
		await using again = here.join("me", "--ticket", second.ticket, ...words);
		await again.line(NEEDS_NO_CODE("shop"));
		await end(again);
	}
	expect(here.saved("shop")).toMatchObject({ id: before?.id, key: before?.key, ticket: second.ticket });
	expect(readdirSync(here.hubs)).toEqual(["shop"]);
}, 60_000);

test("a full hub is not taken for one with a new ticket", async () => {
	await using here = await place();
	await using sharing = await hub({}, "--max-peers", "1");
	await using joined = here.join("me", "--ticket", sharing.ticket, "--save");
	await joined.line(NEEDS_NO_CODE("shop"));
	await end(joined);
	await using other = here.join("you", "--ticket", sharing.ticket);
	await ready(other);
	const finished = await here.failing("@shop");
	expectError(finished, "denied", /the hub is full\. Try again when another peer has left/);
	expect(finished.stderr).not.toContain("CODE");
});

test("two peers with one saved identity: the second is refused, but not with another identity", async () => {
	await using here = await place();
	await using sharing = await hub({});
	await using first = here.join("me", "--ticket", sharing.ticket, "--save");
	await first.line(NEEDS_NO_CODE("shop"));
	for (const words of [["@shop"], ["me", "--ticket", sharing.ticket, "--save", "shop"]]) {
		expectError(await here.failing(...words), "identity", /shop is in use by another program\. .* --identity FILE/);
	}
	await using second = here.join("@shop", "--identity", here.mine);
	await ready(second);
	// The first one's entry is in use, so this is another one.
	await using third = here.join("me", "--ticket", sharing.ticket, "--save");
	await third.line(/^@shop is taken, so this hub is saved as @shop-2: /);
	await end(first);
	await using back = here.join("@shop");
	await ready(back);
}, 30_000);

test("with --identity, that one is used and not saved", async () => {
	await using here = await place();
	const { stdout } = await here.run("identity", here.mine);
	await using sharing = await hub({}, "--allow", stdout.trim());
	await using joined = here.join("me", "--ticket", sharing.ticket, "--identity", here.mine, "--save");
	await joined.line(/^The identity of --identity is not saved with it: give the option again next time\.$/);
	await end(joined);
	expectError(
		await here.failing("@shop"),
		"denied",
		/admits only the peers on its list\. .* join with --identity FILE/,
	);
	await using back = here.join("@shop", "--identity", here.mine);
	await ready(back);
	const [, key = ""] = /^key (\w+)$/m.exec(readFileSync(here.mine, "latin1")) ?? [];
	expect(readFileSync(here.file("shop"), "latin1")).not.toContain(key);
});

test("a damaged entry, or one that others can read: status 15, before anything is connected", async () => {
	await using here = await place();
	await using sharing = await hub({});
	await using joined = here.join("me", "--ticket", sharing.ticket, "--save");
	await joined.line(NEEDS_NO_CODE("shop"));
	await end(joined);
	const whole = readFileSync(here.file("shop"), "latin1");
	chmodSync(here.file("shop"), 0o644);
	expectError(await here.failing("@shop"), "identity", /shop can be read by others\. .* chmod 600/);
	chmodSync(here.file("shop"), 0o600);
	writeFileSync(here.file("shop"), whole.replace(/^hub .*$/m, `hub ${"5e".repeat(32)}`));
	expectError(
		await here.failing("@shop"),
		"identity",
		/@shop is damaged: its ticket leads to another hub\. Remove it:/,
	);
	writeFileSync(here.file("shop"), whole.slice(1));
	expectError(await here.failing("@shop"), "identity", /shop is damaged, or not a saved hub\./);
	const { stdout, stderr, status } = await here.run("hubs");
	expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
	expect(stderr).toMatch(/^@shop: The saved hub \S+ is damaged, or not a saved hub\. [^\n]+\n$/);
});

describe("hubs", () => {
	test("lists what is saved, and never a ticket, its secret or a key", async () => {
		await using here = await place();
		const port = await freeUdpPort();
		await using lasting = await hub({ port, name: "Küche 厨房" }, "--identity", here.identity);
		await using sharing = await hub({});
		for (const ticket of [lasting.ticket, sharing.ticket]) {
			await using joined = here.join("me", "--ticket", ticket, "--save");
			await joined.line(/^Saved as @/);
			await end(joined);
		}
		const finished = await here.run("hubs", "-vvvv");
		expect(finished).toMatchObject({ status: 0, stderr: "" });
		const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d`;
		const [head, ...rows] = finished.stdout.trimEnd().split("\n");
		expect(head).toMatch(/^ALIAS +HUB +PUBLIC ID +SAVED +LAST USED +AFTER A RESTART$/);
		expect(rows).toEqual([
			expect.stringMatching(new RegExp(`^@kuche  Küche 厨房  \\w{10}  ${time}  ${time}  works$`)),
			expect.stringMatching(new RegExp(`^@shop +Shop +\\w{10}  ${time}  ${time}  needs a new code$`)),
		]);
		for (const alias of ["kuche", "shop"]) {
			const [, secret = ""] = (here.saved(alias)?.ticket ?? "").split(".");
			const key = Buffer.from(here.saved(alias)?.key ?? []).toString("hex");
			expect({ secret: secret.length, key: key.length }).toEqual({ secret: 26, key: 64 });
			for (const text of [secret, key, "endpoint"]) expect(finished.stdout).not.toContain(text);
		}
	});

	test("remove forgets one or several, all or none", async () => {
		await using here = await place();
		await using sharing = await hub({});
		for (const alias of ["one", "two", "three"]) {
			await using joined = here.join("me", "--ticket", sharing.ticket, "--save", alias);
			await joined.line(NEEDS_NO_CODE(alias));
			await end(joined);
		}
		expectError(
			await here.run("hubs", "remove", "one", "tree"),
			"usage",
			/No hub is saved as '@tree'\. Did you mean '@three'\?/,
		);
		expect(readdirSync(here.hubs).toSorted()).toEqual(["one", "three", "two"]);
		const finished = await here.run("hubs", "remove", "one", "@three");
		expect(finished).toEqual({ status: 0, stdout: "", stderr: "@one is forgotten.\n@three is forgotten.\n" });
		expect(readdirSync(here.hubs)).toEqual(["two"]);
		expectError(
			await here.failing("@one"),
			"usage",
			/No hub is saved as '@one'\. Did you mean '@two'\?|'hivemind-p2p hubs' lists/,
		);
	});

	test.each([
		[["hubs", "remove"], /'hubs remove' needs an alias\. 'hubs' lists them\./],
		[["hubs", "remove", "../../hub.key"], /No hub is saved as '@\.\.\/\.\.\/hub\.key'\./],
		[["hubs", "remvoe", "shop"], /Did you mean 'remove'\?/],
		[["hubs", "list"], /must be 'remove', not 'list'\. Leave it out to list the hubs/],
	])("%p: said", async (words, message) => {
		await using here = await place();
		expectError(await here.run(...words), "usage", message);
	});
});

test.skipIf(!available("a broken flock", withoutFlock("ENOLCK", "true")))(
	"on a file system without locks: a warning",
	async () => {
		await using here = await place();
		await using sharing = await hub({});
		const words = ["join", "me", "--ticket", sharing.ticket, "--save", ...LOCAL, ...OFFLINE];
		const options: RunOptions = { env: { XDG_STATE_HOME: join(here.hubs, "../..") }, wrapper: withoutFlock("ENOLCK") };
		await using joined = start(words, options);
		await joined.line(
			/^The saved hub @shop cannot be locked on this file system: make sure that only one program uses it\.$/,
		);
	},
);

const READ_ONLY = ["unshare", "-m", "sh", "-c"];
const CAN_MOUNT = process.platform === "linux" && available("mount namespaces", [...READ_ONLY, "true"]);

describe.skipIf(!CAN_MOUNT)("a read-only root, as a user without a home", () => {
	/** Everything is read-only; the executable is where that user may read it. */
	const wrapper = [
		...READ_ONLY,
		`set -e
		mount -t tmpfs tmpfs /mnt
		touch /mnt/hivemind-p2p
		mount --bind "$0" /mnt/hivemind-p2p
		mount -o remount,bind,ro /mnt
		mount -t tmpfs -o ro tmpfs /tmp
		mount -o remount,bind,ro /
		exec chroot --userspec=${NOBODY}:${NOBODY} / /mnt/hivemind-p2p "$@"`,
	];

	test("--save says that it cannot, and the tunnel works", async () => {
		await using page = serve(() => new Response("here"));
		await using sharing = await hub({ at: page.address });
		for (const env of [{}, { XDG_STATE_HOME: "/var/lib/somewhere" }, { HOME: "/missing" }] as Record<
			string,
			string
		>[]) {
			await using joined = start(["join", "me", "--ticket", sharing.ticket, "--save", ...LOCAL, ...OFFLINE], {
				wrapper,
				env,
			});
			await joined.line(
				/^This hub was not saved\. The saved hub \S+ cannot be written: (the file system is read-only|permission denied)\.$/,
			);
			const [, frontend = ""] = await joined.line(/^ {2}frontend +(\S+)/);
			expect(await get(frontend)).toBe("here");
			expect((await end(joined)).status).toBe(0);
		}
	});

	test("hubs and @ALIAS say what there is", async () => {
		const options = { wrapper, env: { HOME: "/missing" } };
		const listed = await run(["hubs"], options);
		expect(listed).toMatchObject({
			status: 0,
			stdout: "",
			stderr: "No hub is saved. 'hivemind-p2p join CODE --save' keeps one.\n",
		});
		expectError(await run(["join", "@shop", ...LOCAL, ...OFFLINE], options), "usage", /No hub is saved as '@shop'\./);
	});
});
