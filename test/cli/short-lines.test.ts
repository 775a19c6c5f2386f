// Hub and peer as people start them: by port, by names of their own, with a code and nothing else. The real executable,
// on loopback.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { hostname } from "node:os";
import { ownName } from "../../src/cli/own-name.ts";
import { type Program, run, start } from "../support/executable.ts";
import { DOWN, expectError, get, OFFLINE, type Service, serve } from "./terminals.ts";

const LOCAL = ["--frontend-addr", "127.0.0.1:0", "--backend-addr", "127.0.0.1:0", "--ws-addr", "127.0.0.1:0"];
const READY = /^Press Ctrl\+C to stop\.$/;
const TERMINAL = ["sh", "-c", `exec script -qec "$(printf '%s ' "$0" "$@")" /dev/null`];

let page: Service;
/** Of 127.0.0.1. */
let port: string;
beforeAll(() => {
	page = serve(() => new Response("the page"));
	port = page.address.split(":")[1] as string;
});
afterAll(() => page[Symbol.asyncDispose]());

/** The page at the frontend of a peer with this invitation. */
async function pageThrough(...args: string[]): Promise<string> {
	await using peer = start(["join", ...args, ...LOCAL, ...OFFLINE]);
	await peer.line(READY);
	const [, url = ""] = await peer.line(/^ {2}frontend +(\S+)/);
	return await get(url);
}

describe("share", () => {
	test.each<[string, () => string[], string]>([
		["one port, without a name", () => [port], ownName("hub", hostname())],
		["three ports and a name", () => [port, "1", "2", "my-hub"], "my-hub"],
		[
			"services with names and schemes",
			() => [`frontend=http://${page.address}`, "db=tcp://[::1]:1", "my-hub"],
			"my-hub",
		],
		["--name", () => [`frontend=${port}`, "--name", "Anna’s laptop"], "Anna’s laptop"],
		["a name of several words", () => [port, "my hub"], "my hub"],
		["host:port three times, and a name like a port", () => [page.address, DOWN, DOWN, "8080"], "8080"],
	])("%s", async (_what, words, name) => {
		await using hub = start(["share", ...words(), ...OFFLINE]);
		await hub.line(new RegExp(`^Hub '${RegExp.escape(name)}' is running$`));
		const [, ticket = ""] = await hub.line(/^Ticket: (\S+)$/);
		expect(await pageThrough("--ticket", ticket)).toBe("the page");
	});

	test("32 services", async () => {
		const words = Array.from({ length: 32 }, (_, i) => `s${i}=${i + 1}`);
		await using hub = start(["share", ...words, ...OFFLINE]);
		await hub.line(/^Ticket: /);
	});
});

describe("join with a ticket", () => {
	let hub: Program;
	let ticket: string;
	beforeAll(async () => {
		hub = start(["share", port, "my-hub", ...OFFLINE]);
		[, ticket = ""] = await hub.line(/^Ticket: (\S+)$/);
	});
	afterAll(() => hub[Symbol.asyncDispose]());

	test("as the only argument: the peer is called like its machine", async () => {
		expect(await pageThrough(ticket)).toBe("the page");
		await hub.line(new RegExp(`^Peer '${RegExp.escape(ownName("peer", hostname()))}' \\(\\w+\\) connected`));
	});

	test.each<[string, () => string[], string]>([
		["before the name", () => [ticket, "anna"], "anna"],
		["behind the name", () => ["berta", ticket], "berta"],
		["with --name", () => ["--name", "carla", ticket], "carla"],
		["in quotes, with a full stop", () => ["dora", `“${ticket}”.`], "dora"],
		["by option, with a name like a code", () => ["5-hamburger-endorse", "--ticket", ticket], "5-hamburger-endorse"],
	])("%s", async (_what, args, name) => {
		expect(await pageThrough(...args())).toBe("the page");
		await hub.line(new RegExp(`^Peer '${name}' \\(\\w+\\) connected`));
	});

	test.each(["HIVEMIND_P2P_TICKET", "HIVEMIND_P2P_JOIN_CODE"])("takes precedence over %s", async (variable) => {
		const args = ["join", ticket, ...LOCAL, ...OFFLINE];
		await using peer = start(args, { env: { [variable]: "5-hamburger-endorse" } });
		await peer.line(READY);
	});

	test("a code takes precedence over a ticket in the environment", async () => {
		const finished = await run(["join", "5-a-b"], { env: { HIVEMIND_P2P_TICKET: ticket } });
		expectError(finished, "code", /'a' is not a word of a join code\./);
	});
});

describe("join with a code", () => {
	let mailbox: Program;
	let hub: Program;
	let relay: readonly string[];
	let used = 0;

	beforeAll(async () => {
		mailbox = start(["mailbox", "--listen", "127.0.0.1:0"]);
		const [, url = ""] = await mailbox.line(/^Mailbox server for join codes: (ws:\S+)$/);
		relay = ["--wormhole-relay", url];
		hub = start(["share", port, "my-hub", "--wormhole", ...relay, ...OFFLINE]);
	});
	afterAll(async () => {
		await hub[Symbol.asyncDispose]();
		await mailbox[Symbol.asyncDispose]();
	});

	/** The next command that the hub shows, and its code. */
	async function shown(): Promise<{ command: string; code: string }> {
		const seen = [...hub.stdout.matchAll(/^Join code: (\S+)$/gm)].slice(0, used++).map(([, code]) => code);
		const next = new RegExp(`^ {2}(hivemind-p2p join (?!(?:${seen.join("|") || "none"}) )(\\d+-\\S+) .*)$`);
		const [, command = "", code = ""] = await hub.line(next);
		return { command, code };
	}

	test("the command that the hub shows, as it is", async () => {
		const { command } = await shown();
		expect(await pageThrough(...command.split(" ").slice(2))).toBe("the page");
	});

	test.each<[string, (code: string) => string[]]>([
		["alone, with a full stop", (code) => [`${code}.`]],
		["behind a name", (code) => ["my-peer", code]],
		["before a name, in quotes", (code) => [`‘${code}’`, "my-peer"]],
		["with --name and dashes of a mail", (code) => ["--name", "my-peer", code.replaceAll("-", "–")]],
		["in one argument with spaces", (code) => [code.replaceAll("-", " ")]],
		["by option, without a name", (code) => ["--join-code", code]],
	])("%s", async (_what, args) => {
		const { code } = await shown();
		expect(await pageThrough(...args(code), ...relay)).toBe("the page");
	});

	test.skipIf(!Bun.which("script"))("join without anything asks, and the whole command is a good answer", async () => {
		const { command } = await shown();
		await using peer = start(["join", ...LOCAL, ...OFFLINE], { wrapper: TERMINAL });
		await peer.shows("Join code or ticket: ");
		peer.type(`${command}\n`);
		await peer.line(/Press Ctrl\+C to stop\./);
	});

	test("a mistyped code is not taken for a name, and is still good", async () => {
		const { code } = await shown();
		const wrong = code.replace(/.$/, "zz");
		expectError(
			await run(["join", wrong, ...relay]),
			"code",
			/is not a word of a join code\. .*still good\. .* If it is this peer's name, write --name \d/,
		);
		expect(await pageThrough(code, ...relay)).toBe("the page");
	});

	test.each(["5-", "5-hamburgr"])("'%s' is not a name either", async (word) => {
		expectError(await run(["join", word, ...relay]), "code", /If it is this peer's name, write --name 5-/);
	});
});

test("join without anything where nobody can be asked", async () => {
	expectError(await run(["join"]), "usage", /'join' needs a ticket or a join code\. .*join 5-hamburger-endorse/);
});
