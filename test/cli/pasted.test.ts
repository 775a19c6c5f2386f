// Tickets and join codes as people paste them, given to the real executable in every way that it takes them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Program, run, start } from "../support/executable.ts";
import { DOWN, expectError, type Hub, hub, joining, OFFLINE } from "./terminals.ts";

const LOCAL = ["--frontend-addr", "127.0.0.1:0", "--backend-addr", "127.0.0.1:0", "--ws-addr", "127.0.0.1:0"];
const READY = /Press Ctrl\+C to stop\./;
const TERMINAL = ["sh", "-c", `exec script -qec "$(printf '%s ' "$0" "$@")" /dev/null`];

const asked = ["join", "my-peer", ...LOCAL, ...OFFLINE];

let sharing: Hub;
beforeAll(async () => {
	sharing = await hub([]);
});
afterAll(() => sharing[Symbol.asyncDispose]());

describe("a pasted ticket is that ticket:", () => {
	test.each<[string, (ticket: string) => string]>([
		["with the single quotes that cmd.exe keeps", (ticket) => `'${ticket}'`],
		["in typographic quotes, and with the full stop of a sentence", (ticket) => `“${ticket}”.`],
		["with a label, a byte order mark and a no-break space", (ticket) => `\ufeffTicket:\u00a0${ticket}`],
		["with zero-width spaces", (ticket) => ticket.replaceAll("a", "a\u200b")],
		["wrapped by a mail program that quotes it", (ticket) => ticket.replace(/.{60}/g, "$&\n> ")],
	])("%s", async (_what, dirty) => {
		await using peer = start(joining(dirty(sharing.ticket)));
		await peer.line(READY);
	});

	test("wrapped, on standard input that stays open", async () => {
		await using peer = start(joining("-"));
		peer.type(`${sharing.ticket.replace(/.{50}/g, "$&\r\n")}\n`);
		await peer.line(READY);
	});

	test("wrapped, on standard input that ends without a line break", async () => {
		await using peer = start(joining("-"));
		peer.type(`Ticket:\n${sharing.ticket.replace(".", "\n.")}`);
		peer.endInput();
		await peer.line(READY);
	});

	test("from the environment", async () => {
		await using peer = start(asked, { env: { HIVEMIND_P2P_TICKET: `«${sharing.ticket}»,` } });
		await peer.line(READY);
	});

	test("the command that the hub prints, run as it is, without a shell that takes quotes off", async () => {
		const [, command = ""] = await sharing.program.line(/^ {2}(hivemind-p2p join .*)$/);
		const [program, ...args] = command.split(" ");
		expect(program).toBe("hivemind-p2p");
		await using peer = start([...args, ...LOCAL, ...OFFLINE]);
		await peer.line(READY);
	});

	test("but one that is cut short is refused, even if nothing else comes", async () => {
		await using peer = start(joining("-"));
		peer.type(`${sharing.ticket.slice(0, -3)}\n`);
		expectError(await peer.exited, "ticket", /cut short/);
	});
});

describe("a pasted join code is that code:", () => {
	let mailbox: Program;
	let url: string;
	let offering: Program;
	let used = 0;

	beforeAll(async () => {
		mailbox = start(["mailbox", "--listen", "127.0.0.1:0"]);
		url = (await mailbox.line(/^Mailbox server for join codes: (ws:\S+)$/))[1] as string;
		offering = start(["share", DOWN, DOWN, DOWN, "my-hub", "--wormhole", "--wormhole-relay", url, ...OFFLINE]);
	});

	afterAll(async () => {
		await offering[Symbol.asyncDispose]();
		await mailbox[Symbol.asyncDispose]();
	});

	/** The next code that the hub shows. */
	async function fresh(): Promise<string> {
		const seen = [...offering.stdout.matchAll(/^Join code: (\S+)$/gm)].slice(0, used++).map(([, code]) => code);
		const [, code] = await offering.line(new RegExp(`^Join code: ((?!(?:${seen.join("|") || "none"})$)\\S+)$`));
		return code as string;
	}

	test.each<[string, (code: string) => string]>([
		["with the full stop of a sentence", (code) => `${code}.`],
		["with a comma and a bracket", (code) => `(${code}),`],
		["in single quotes", (code) => `'${code}'`],
		[
			"with its label, typographic dashes and a no-break space",
			(code) => `Join code:\u00a0${code.replaceAll("-", "–")}`,
		],
		["with zero-width spaces", (code) => `\u200b${code.replaceAll("-", "-\u200b")}`],
		["from a box", (code) => `│  Join code: ${code}   │`],
	])("%s", async (_what, dirty) => {
		await using peer = start([...asked, "--join-code", dirty(await fresh()), "--wormhole-relay", url]);
		await peer.line(READY);
	});

	test.skipIf(!Bun.which("script"))("the whole command that the hub shows, as the answer to the question", async () => {
		const code = await fresh();
		const [, command = ""] = await offering.line(new RegExp(`^ {2}(hivemind-p2p join .*${code}.*)$`));
		expect(command).toBe(`hivemind-p2p join ${code} --wormhole-relay ${url}`);
		// The mailbox server is named by the pasted command only.
		await using peer = start(asked, { wrapper: TERMINAL });
		await peer.shows("Join code or ticket: ");
		peer.type(`${command}\n`);
		await peer.line(READY);
	});

	test.skipIf(!Bun.which("script"))("a command with a ticket, wrapped, as the answer to the question", async () => {
		await using peer = start(asked, { wrapper: TERMINAL });
		await peer.shows("Join code or ticket: ");
		const { ticket } = sharing;
		peer.type(`hivemind-p2p join <name> \\\n  --ticket '${ticket.slice(0, 70)}\n${ticket.slice(70)}'\n`);
		await peer.line(READY);
	});

	test("a word that is not in the list is an error before anything is sent", async () => {
		let connections = 0;
		const server = Bun.listen({
			hostname: "127.0.0.1",
			port: 0,
			socket: { open: () => void connections++, data() {} },
		});
		const relay = ["--wormhole-relay", `ws://127.0.0.1:${server.port}`];
		const finished = await run([...asked, "--join-code", "‘5-hamburgr-endorse’.", ...relay]);
		expectError(
			finished,
			"code",
			/^error: 'hamburgr' is not a word of a join code\. Did you mean 'hamburger'\? Nothing was sent/,
		);
		server.stop(true);
		expect(connections).toBe(0);
	});
});

test("a ticket without a secret, on standard input that stays open: the peer runs, and Ctrl+C ends it", async () => {
	await using open = await hub([], ["--open"]);
	await using peer = start(joining("-"));
	peer.type(`${open.ticket}\n`);
	await peer.line(READY);
	peer.signal("SIGINT");
	expect((await peer.exited).status).toBe(0);
});
