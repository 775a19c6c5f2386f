// Join codes as two people use them: our own mailbox server, a hub that offers codes, and peers that redeem them.
// Everything is the real executable on loopback.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { EXIT_STATUS } from "../../src/base/errors.ts";
import { type Program, run, start } from "../support/executable.ts";
import { DOWN, expectError, get, localUrl, OFFLINE, type Service, serve } from "./terminals.ts";

const LOCAL = ["--frontend-addr", "127.0.0.1:0", "--backend-addr", "127.0.0.1:0", "--ws-addr", "127.0.0.1:0"];
const FIRST_LINE = /^Mailbox server for join codes: (ws:\S+)$/;
const CODE = /^Join code: (\S+)$/;

let mailbox: Program;
let url: string;
let page: Service;

beforeAll(async () => {
	page = serve(() => new Response("the page"));
	mailbox = start(["mailbox", "--listen", "127.0.0.1:0"]);
	url = (await mailbox.line(FIRST_LINE))[1] as string;
});

afterAll(async () => {
	mailbox.signal("SIGTERM");
	expect((await mailbox.exited).status).toBe(0);
	await page[Symbol.asyncDispose]();
});

const sharing = (at = url, ...more: string[]) =>
	start(["share", page.address, DOWN, DOWN, "my-hub", "--wormhole", "--wormhole-relay", at, ...OFFLINE, ...more]);

const joining = (...more: string[]) => ["join", "my-peer", ...LOCAL, ...OFFLINE, ...more];

/** Every code that a hub has printed so far. */
const codes = (hub: Program) => [...hub.stdout.matchAll(/^Join code: (\S+)$/gm)].map(([, code]) => code as string);

/** The code that a hub shows after its first `used` ones. */
async function nextCode(hub: Program, used: number): Promise<string> {
	// A line with a code that is none of the earlier ones.
	const seen = codes(hub).slice(0, used).join("|") || "none";
	const [, code] = await hub.line(new RegExp(`^Join code: ((?!(?:${seen})$)\\S+)$`));
	return code as string;
}

test("--strict, and a name that the hub lacks: the error says that the code is used up by then", async () => {
	await using hub = sharing();
	const [, code = ""] = await hub.line(CODE);
	const asked = joining("--join-code", code, "--wormhole-relay", url, "--bind", "webb=0", "--strict");
	const finished = await run(asked);
	expectError(finished, "usage", /--bind: the hub does not share 'webb'\./);
	expect(finished.stderr).toContain("The join code is used up: ask for another one.");
});

test("a hub shows a code and the exact command to run, and a peer that runs it reaches the services", async () => {
	await using hub = sharing();
	const [, code = ""] = await hub.line(CODE);
	expect(code).toMatch(/^\d+-[a-z]+-[a-z]+$/);
	await hub.line(/^Hub 'my-hub' starting with Magic Wormhole$/);
	await hub.line(/^Ticket: endpoint/);
	await hub.line(/^Waiting for peer to connect\.\.\.$/);
	await hub.line(new RegExp(`^  hivemind-p2p join ${code} --wormhole-relay ${url}$`));
	await using peer = start(joining("--join-code", code, "--wormhole-relay", url));
	await peer.line(/^Press Ctrl\+C to stop\.$/);
	const frontend = await localUrl(peer, "frontend");
	expect(await get(frontend)).toBe("the page");
	await hub.line(/^✓ Peer connected and received ticket$/);
	const second = await nextCode(hub, 1);
	await using other = start(joining("--join-code", second, "--wormhole-relay", url));
	await other.line(/^Press Ctrl\+C to stop\.$/);
});

test("a code may be typed sloppily, piped in, or come from the environment, and a ticket may be piped in", async () => {
	await using hub = sharing(url, "--code-words", "4");
	const first = await nextCode(hub, 0);
	expect(first.split("-")).toHaveLength(5);
	await using sloppy = start(joining("--join-code", ` ${first.toUpperCase().replaceAll("-", " ")} `), {
		env: { HIVEMIND_P2P_WORMHOLE_RELAY: url },
	});
	await sloppy.line(/^Press Ctrl/);
	await using piped = start(joining("--join-code", "-", "--wormhole-relay", url));
	piped.type(`${await nextCode(hub, 1)}\n`);
	await piped.line(/^Press Ctrl/);
	const env = { HIVEMIND_P2P_JOIN_CODE: await nextCode(hub, 2) };
	await using quiet = start(joining("--wormhole-relay", url), { env });
	await quiet.line(/^Press Ctrl/);
	const [, ticket = ""] = await hub.line(/^Ticket: (\S+)$/);
	await using byTicket = start(joining("--ticket", "-"));
	byTicket.type(`${ticket}\n`);
	await byTicket.line(/^Press Ctrl/);
});

test.skipIf(!Bun.which("script"))("on a terminal, join without a code or ticket asks for one", async () => {
	await using hub = sharing();
	const code = await nextCode(hub, 0);
	const wrapper = ["sh", "-c", `exec script -qec "$(printf '%s ' "$0" "$@")" /dev/null`];
	await using peer = start(joining("--wormhole-relay", url), { wrapper });
	peer.type(`${code}\n`);
	await peer.line(/Press Ctrl\+C to stop\./);
	expect(peer.stdout).toContain("Join code or ticket: ");
});

test.skipIf(!Bun.which("script"))("on a terminal, a ticket is accepted as the answer, too", async () => {
	await using hub = sharing();
	const [, ticket = ""] = await hub.line(/^Ticket: (\S+)$/);
	const wrapper = ["sh", "-c", `exec script -qec "$(printf '%s ' "$0" "$@")" /dev/null`];
	await using peer = start(joining(), { wrapper });
	peer.type(`${ticket}\n`);
	await peer.line(/Press Ctrl\+C to stop\./);
});

test("a wrong code ends the peer at once and uses up the hub's code; the hub says so and shows the next one", async () => {
	await using hub = sharing();
	const code = await nextCode(hub, 0);
	const [nameplate] = code.split("-");
	const wrong = `${nameplate}-adroitness-${code.endsWith("-adult") ? "afflict" : "adult"}`;
	expectError(await run(joining("--join-code", wrong, "--wormhole-relay", url)), "code", /ask .*for a new/i);
	await hub.line(/^Somebody tried a wrong code/);
	const next = await nextCode(hub, 1);
	await using peer = start(joining("--join-code", next, "--wormhole-relay", url));
	await peer.line(/^Press Ctrl/);
});

test("a mistyped word ends the peer before the code is used up: the right code still works", async () => {
	await using hub = sharing();
	const code = await nextCode(hub, 0);
	const relay = ["--wormhole-relay", url];
	expectError(
		await run(joining("--join-code", `${code}zz`, ...relay)),
		"code",
		new RegExp(`^error: '${code.split("-")[2]}zz' is not a word of a join code\\. Did you mean '.*--force-code`),
	);
	await using peer = start(joining("--join-code", code, ...relay));
	await peer.line(/^Press Ctrl/);
	expect(hub.stderr).not.toContain("Somebody tried a wrong code");
});

test("--force-code uses words that are not in the list; if they are wrong, the hub's code is used up", async () => {
	await using hub = sharing();
	const code = await nextCode(hub, 0);
	const wrong = ["--join-code", `${code.split("-")[0]}-größe-x`, "--wormhole-relay", url, "--force-code"];
	expectError(await run(joining(...wrong)), "code", /ask .*for a new/i);
	await hub.line(/^Somebody tried a wrong code/);
});

describe.skipIf(!Bun.which("script"))("a mistyped word on a terminal", () => {
	const wrapper = ["sh", "-c", `exec script -qec "exec $(printf '%s ' "$0" "$@")" /dev/null`];

	test.each(["", "y"])("is asked about, and '%s' takes the suggestion", async (answer) => {
		await using hub = sharing();
		const [nameplate, first, second] = (await nextCode(hub, 0)).split("-") as [string, string, string];
		await using peer = start(joining("--wormhole-relay", url), { wrapper });
		peer.type(`${nameplate}-${first}q-${second}\n`);
		await peer.shows(`'${first}q' is not a word of a join code. Did you mean ${first}? [Y/n] `);
		peer.type(`${answer}\n`);
		await peer.line(/Press Ctrl\+C to stop\./);
	});

	test("is not used after 'n': status 11", async () => {
		await using peer = start(joining("--join-code", "5-hamburgr-endorse", "--wormhole-relay", url), { wrapper });
		await peer.shows("Did you mean hamburger? [Y/n] ");
		peer.type("n\n");
		const { status, stdout } = await peer.exited;
		expect(stdout).toContain("error: 'hamburgr' is not a word of a join code. Nothing was sent");
		expect(status).toBe(EXIT_STATUS.code.status);
	});

	test("Ctrl+C at the question: status 0", async () => {
		await using peer = start(joining("--join-code", "5-hamburgr-endorse", "--wormhole-relay", url), { wrapper });
		await peer.shows("[Y/n] ");
		peer.type("\x03");
		expect((await peer.exited).status).toBe(0);
	});
});

test("a code without a hub behind it: a clear error after --timeout", async () => {
	const waiting = run(joining("--join-code", "99-adroitness-adult", "--wormhole-relay", url, "--timeout", "1"));
	const finished = await waiting;
	expect(finished.status).toBe(12);
	expect(finished.stderr).toMatch(/^error: .+$/m);
});

test("a mailbox server that is down: the peer suggests --ticket; the hub reports it and prints its ticket", async () => {
	const down = "ws://127.0.0.1:1/v1";
	const finished = await run(joining("--join-code", "5-adroitness-adult", "--wormhole-relay", down, "--timeout", "3"));
	expect(finished.stderr).toMatch(/error: .*ws:\/\/127\.0\.0\.1:1\/v1.*--ticket/);
	expect(finished.status).toBe(13);
	await using hub = sharing(down);
	await hub.line(/^The mailbox server ws:\/\/127\.0\.0\.1:1\/v1 cannot be reached/);
	const [, ticket = ""] = await hub.line(/^Ticket: (\S+)$/);
	await using peer = start(joining("--ticket", ticket));
	await peer.line(/^Press Ctrl/);
});

test("the mailbox server is killed and restarted: the hub shows a working code, and its peers are not affected", async () => {
	const first = start(["mailbox", "--listen", "127.0.0.1:0"]);
	const at = (await first.line(FIRST_LINE))[1] as string;
	await using hub = sharing(at);
	const code = await nextCode(hub, 0);
	await using early = start(joining("--join-code", code, "--wormhole-relay", at));
	await early.line(/^Press Ctrl/);
	const frontend = await localUrl(early, "frontend");
	await nextCode(hub, 1);
	await first[Symbol.asyncDispose]();
	await hub.line(/^The mailbox server .* cannot be reached/);
	expect(await get(frontend)).toBe("the page");
	await using again = start(["mailbox", "--listen", new URL(at).host]);
	await again.line(FIRST_LINE);
	const live = await nextCode(hub, 2);
	await using late = start(joining("--join-code", live, "--wormhole-relay", at));
	await late.line(/^Press Ctrl/);
	expect(await get(frontend)).toBe("the page");
}, 30_000);

test("Ctrl+C leaves no nameplate behind", async () => {
	await using own = start(["mailbox", "--listen", "127.0.0.1:0"]);
	const at = (await own.line(FIRST_LINE))[1] as string;
	await using hub = sharing(at);
	const [nameplate] = (await nextCode(hub, 0)).split("-");
	expect(await nameplates(at)).toEqual([nameplate as string]);
	hub.signal("SIGINT");
	expect((await hub.exited).status).toBe(0);
	expect(await nameplates(at)).toEqual([]);
});

/** The nameplates that a mailbox server lists for a third party. */
function nameplates(at: string): Promise<string[]> {
	return new Promise((resolve, reject) => {
		const socket = new WebSocket(at);
		socket.onopen = () => {
			socket.send(JSON.stringify({ type: "bind", appid: "lothar.com/wormhole/text-or-file-xfer", side: "abcdef0123" }));
			socket.send(JSON.stringify({ type: "list" }));
		};
		socket.onmessage = ({ data }) => {
			const { type, nameplates } = JSON.parse(String(data));
			if (type !== "nameplates") return;
			socket.close();
			resolve(nameplates.map(({ id }: { id: string }) => id));
		};
		socket.onerror = () => reject(new Error("no mailbox"));
	});
}

test("--qr shows the join command as a QR code", async () => {
	await using hub = sharing(url, "--qr");
	await hub.line(/^[█▀▄ ]{20,}$/);
});

test.each([
	["both", ["--ticket", "endpointa", "--join-code", "5-a-b"], {}, /--ticket and --join-code exclude each other/],
	["both in the environment", [], { HIVEMIND_P2P_TICKET: "x", HIVEMIND_P2P_JOIN_CODE: "y" }, /exclude each other/],
	["neither", [], {}, /needs a ticket or a join code/],
	["a ticket instead of a code", ["--join-code", "endpointaaaa"], {}, /ticket/],
	["nothing on standard input", ["--join-code", "-"], {}, /nothing came on standard input/],
	["a bad timeout", ["--join-code", "5-a-b", "--timeout", "soon"], {}, /--timeout: 'soon' is not a number/],
	["a bad mailbox URL", ["--join-code", "5-a-b", "--wormhole-relay", "ftp://x"], {}, /ftp:\/\/x/],
] as const)("join with %s", async (_, args, env, message) => {
	const finished = await run(joining(...args), { env });
	expect(finished.stderr).toMatch(/^error: [^\n]+\n$/);
	expect(finished.stderr).toMatch(message);
	expect([2, 11]).toContain(finished.status);
});

test.each([
	["--qr without --wormhole", ["--qr"], /--qr does nothing without --wormhole/],
	["one word", ["--wormhole", "--code-words", "1"], /--code-words: '1' is not a number from 2 to 8/],
	["nine words", ["--wormhole", "--code-words", "9"], /from 2 to 8/],
	["a bad mailbox URL", ["--wormhole", "--wormhole-relay", "::"], /::/],
] as const)("share with %s", async (_, args, message) => {
	const finished = await run(["share", DOWN, DOWN, DOWN, "hub", ...OFFLINE, ...args]);
	expect(finished.stderr).toMatch(message);
	expect(finished.status).toBe(2);
});

test.each([
	["a proxy that is not a network", ["--trust-proxy", "everybody"], /--trust-proxy: 'everybody' is not a network/],
	[
		"an origin with a path",
		["--allow-origin", "https://x.example/y"],
		/'https:\/\/x\.example\/y' is not the origin of a web page/,
	],
	["an origin without a scheme", ["--allow-origin", "x.example"], /is not the origin/],
] as const)("mailbox with %s", async (_, args, message) => {
	const finished = await run(["mailbox", "--listen", "127.0.0.1:0", ...args]);
	expect(finished.stderr).toMatch(message);
	expect(finished.status).toBe(2);
});

test("web pages cannot use a mailbox, unless --allow-origin names them; --trust-proxy is accepted", async () => {
	const origin = "https://wormhole.example.org";
	await using open = start([
		"mailbox",
		"--listen",
		"127.0.0.1:0",
		"--allow-origin",
		`${origin}/`,
		"--trust-proxy",
		"loopback",
	]);
	const at = (await open.line(FIRST_LINE))[1] as string;
	for (const [server, expected] of [
		[url, 403],
		[at, 426],
	] as const) {
		const answer = await fetch(server.replace("ws:", "http:"), { headers: { Origin: origin, Connection: "close" } });
		expect(answer.status).toBe(expected);
	}
});

test("mailbox on a port that is in use: the error names the address and --listen", async () => {
	const finished = await run(["mailbox", "--listen", new URL(url).host]);
	expectError(finished, "listen", /mailbox server cannot listen on .*: the port is in use.*--listen/);
});
