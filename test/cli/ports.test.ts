// Where the services of a hub appear at a peer, with the real executable as the peer: ports that are taken, forbidden,
// chosen or not wanted, and the question for another one on a terminal.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { listenersOn } from "../../src/base/port-owner.ts";
import { EXECUTABLE, type Program, type RunOptions, run, start } from "../support/executable.ts";
import { NamedHub } from "../support/named-hub.ts";
import { Puppet, type PuppetServer } from "../support/puppet.ts";
import { available, expectError, get, localUrl, OFFLINE, type Service, serve, withoutWaiting } from "./terminals.ts";

const READY = /^Press Ctrl\+C to stop\.$/;
const CTRL_C = "\x03";
const CTRL_D = "\x04";

/** What the hub shares as `web`, and Node, which has the port that `db` belongs at. */
let page: Service;
let puppet: Puppet;
let taken: PuppetServer;
let hub: NamedHub;
let web: number;

beforeAll(async () => {
	puppet = new Puppet();
	page = serve(() => new Response("the page"));
	web = Number(page.address.split(":")[1]);
	taken = await puppet.listen("127.0.0.1");
	hub = await NamedHub.start({ web, db: taken.port });
});

afterAll(async () => {
	await hub.stop();
	await page[Symbol.asyncDispose]();
	await puppet[Symbol.asyncDispose]();
});

const joining = (...more: string[]) => ["join", "me", "--ticket", hub.ticket, ...OFFLINE, ...more];
/** A peer that leaves in the end: one that is killed would be the hub's for another 45 s. */
function starting(args: readonly string[], options?: RunOptions): Program {
	const program = start(args, options);
	const leave = async () => {
		program.signal("SIGTERM");
		await program.exited;
	};
	return Object.assign(program, { [Symbol.asyncDispose]: leave });
}

/** `web` at a free port: the page has its own. */
const WEB = ["--bind", "web=0"];

const portOf = async (program: Program, service: string) =>
	Number(new URL((await localUrl(program, service)).replace("tcp:", "http:")).port);

describe("a service whose port another program has", () => {
	test("is at the next free one; who has it is said", async () => {
		await using peer = starting(joining(...WEB));
		const [, at] = await peer.line(
			new RegExp(
				`^Port ${taken.port} is in use here by node \\(pid \\d+\\): the service 'db' is at localhost:(\\d+) instead\\.$`,
			),
		);
		const port = Number(at);
		expect(port).toBeGreaterThan(taken.port);
		expect(await localUrl(peer, "db")).toBe(`tcp://localhost:${port}`);
		// Through the tunnel it is Node that answers.
		const accepted = taken.accept();
		const client = await puppet.connect(port);
		await client.write("hello");
		expect(await (await accepted).received(5)).toMatchObject({ received: 5 });
		await client.reset();
		peer.signal("SIGINT");
		expect((await peer.exited).status).toBe(0);
	});

	test("is an error with --strict, status 4", async () => {
		const finished = await run(joining(...WEB, "--strict"));
		expectError(
			finished,
			"listen",
			new RegExp(
				`Cannot listen on 127\\.0\\.0\\.1:${taken.port} for the service 'db': node \\(pid \\d+\\) listens there, .* --bind db=PORT;`,
			),
		);
	});

	test("is where --bind says, and nothing is said of the port", async () => {
		await using peer = starting(joining(...WEB, "--bind", "db=0"));
		await peer.line(READY);
		expect(await portOf(peer, "db")).not.toBe(taken.port);
		peer.signal("SIGINT");
		expect(withoutWaiting((await peer.exited).stderr)).toBe("");
	});

	test("is an error when --bind names that port: before anything is connected", async () => {
		const finished = await run(joining("--bind", `db=${taken.port}`));
		expectError(
			finished,
			"listen",
			new RegExp(`:${taken.port} for the service 'db': node \\(pid \\d+\\) listens there`),
		);
	});
});

test("the list has one service a line: its name, its URL, and where the hub has it", async () => {
	await using peer = starting(joining("--bind", "web=127.0.0.1:0", "--bind", "db=0"));
	await peer.line(READY);
	const [webUrl, dbUrl] = [await localUrl(peer, "web"), await localUrl(peer, "db")];
	expect(webUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
	expect(dbUrl).toMatch(/^tcp:\/\/localhost:\d+$/);
	const width = Math.max(webUrl.length, dbUrl.length);
	expect(peer.stdout).toStartWith(
		`Peer 'me' connected to hub 'my-hub'

  web   ${webUrl.padEnd(width)}   -> my-hub 127.0.0.1:${web}${" ".repeat(Math.max(0, `${taken.port}`.length - `${web}`.length))}   up
  db    ${dbUrl.padEnd(width)}   -> my-hub 127.0.0.1:${taken.port}${" ".repeat(Math.max(0, `${web}`.length - `${taken.port}`.length))}   up
`,
	);
	expect(await get(webUrl)).toBe("the page");
});

test.skipIf(process.platform !== "linux")(
	"a hub's one service has one port, and the three defaults are free",
	async () => {
		await using peer = starting(joining("--only", "web", ...WEB));
		await peer.line(READY);
		const port = await portOf(peer, "web");
		const all = [3000, 8000, 4000, port].flatMap((one) => listenersOn(one) ?? []);
		const ours = all.filter(({ pid }) => pid === peer.pid).map(({ address }) => `${address.host} ${address.port}`);
		expect(ours.toSorted()).toEqual([`127.0.0.1 ${port}`, `::1 ${port}`]);
	},
);

describe("names", () => {
	test("--only brings a part of the services", async () => {
		await using peer = starting(joining("--only", "web", ...WEB));
		await peer.line(READY);
		expect(peer.stdout).not.toContain("db");
		expect(await get(await localUrl(peer, "web"))).toBe("the page");
	});

	test("a --bind for a service that --only leaves out is no error", async () => {
		await using peer = starting(joining("--bind", "db=5433", "--only", "web,api", ...WEB));
		await peer.line(/^--bind db=5433 has no effect: --only leaves 'db' out\.$/);
		await peer.line(READY);
		expect(await get(await localUrl(peer, "web"))).toBe("the page");
	});

	test("one that the hub does not have is told with those that it has, and the peer goes on", async () => {
		await using peer = starting(joining(...WEB, "--bind", "db=0", "--bind", "dbb=0"));
		await peer.line(/^--bind: the hub does not share 'dbb'\. Did you mean 'db'\? It shares web, db\.$/);
		await peer.line(READY);
	});

	test.each([
		["with --strict", ["--bind", "web=0", "--bind", "db=0", "--bind", "dbb=0", "--strict"]],
		["when nothing is left", ["--only", "dbb"]],
	])("one that the hub does not have is an error %s", async (_when, options) => {
		expectError(
			await run(joining(...options)),
			"usage",
			/the hub does not share 'dbb'\. Did you mean 'db'\? It shares web, db\./,
		);
	});
});

describe("a port below 1024 that this user may not open", () => {
	/** The lowest port that everybody may open (ip(7)). */
	const lowest = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
	const setpriv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
	const can =
		process.platform === "linux" &&
		Number(readFileSync(lowest, "utf8")) > 1 &&
		available("another user", [...setpriv, EXECUTABLE, "--version"]);
	const wrapper = setpriv;

	test.skipIf(!can)("is 10,000 higher, and that is said", async () => {
		await using low = await NamedHub.start({ web: 1 });
		await using peer = starting(["join", "me", "--ticket", low.ticket, ...OFFLINE], { wrapper });
		const line = /^Port 1 may not be opened without root: the service 'web' is at localhost:(100\d\d) instead\.$/;
		const [, port] = await peer.line(line);
		expect(await localUrl(peer, "web")).toBe(`http://localhost:${port}`);
	});

	test.skipIf(!can)("is an error with --strict", async () => {
		await using low = await NamedHub.start({ web: 1 });
		const finished = await run(["join", "me", "--ticket", low.ticket, ...OFFLINE, "--strict"], { wrapper });
		expectError(
			finished,
			"listen",
			/127\.0\.0\.1:1 for the service 'web': permission denied \(ports below 1024 need root\)/,
		);
	});
});

test("a hub that is restarted with other services: each change is a line", async () => {
	await using other = await NamedHub.start({ web });
	await using peer = starting(["join", "me", "--ticket", other.ticket, ...OFFLINE, ...WEB]);
	await peer.line(READY);
	const url = await localUrl(peer, "web");
	await other.restart({ api: 1, web });
	await peer.line(/^Connected again after /);
	const added = /^The hub now shares the service 'api': tcp:\/\/localhost:(\d+) -> 127\.0\.0\.1:1 \(down\)$/;
	const [, api] = await peer.line(added);
	expect(await get(url)).toBe("the page");
	await other.restart({ web });
	await peer.line(new RegExp(`^The hub no longer shares the service 'api': localhost:${api} is closed\\.$`));
	expect(await get(url)).toBe("the page");
});

describe.skipIf(!available("a terminal of its own", ["script", "-qec", "true", "/dev/null"]))("on a terminal", () => {
	const wrapper = ["sh", "-c", `exec script -qec "exec $(printf '%s ' "$0" "$@")" /dev/null`];

	/** A peer that asks about the port of `db`, the question as it is shown, and the port that it proposes. */
	async function asking(...more: string[]): Promise<{ peer: Program; proposed: string }> {
		const peer = starting(joining(...WEB, ...more), { wrapper });
		await peer.shows(`. Another port for db [`);
		await peer.shows("]: ");
		const [, proposed = ""] =
			new RegExp(`${taken.port} is in use here by node \\(pid \\d+\\)\\. Another port for db \\[(\\d+)\\]: `).exec(
				peer.stdout,
			) ?? [];
		return { peer, proposed };
	}

	test.each([
		["Enter", "\r"],
		["Ctrl+D", CTRL_D],
	])("%s takes the proposed port", async (_key, keys) => {
		const { peer, proposed } = await asking();
		await using _ = peer;
		peer.type(keys);
		await peer.line(READY);
		expect(await localUrl(peer, "db")).toBe(`tcp://localhost:${proposed}`);
		expect(peer.stdout).not.toContain("instead");
		peer.type(CTRL_C);
		expect((await peer.exited).status).toBe(0);
	});

	test("a number is the port, and what is none, or taken, is asked again", async () => {
		const { peer } = await asking();
		await using _ = peer;
		peer.type("soon\r");
		await peer.line(/That is not a port number from 0 to 65535\./);
		const second = await puppet.listen("127.0.0.1");
		peer.type(`${second.port}\r`);
		await peer.shows(`${second.port} is in use here by node`);
		const free = Bun.listen({ hostname: "::", port: 0, socket: { data() {} } });
		free.stop(true);
		peer.type(`${free.port}\r`);
		await peer.line(READY);
		expect(await localUrl(peer, "db")).toBe(`tcp://localhost:${free.port}`);
	});

	test("Ctrl+C at the question ends the peer with status 0, and the hub is told", async () => {
		const { peer } = await asking();
		await using _ = peer;
		const before = hub.events.filter(({ type }) => type === "peer_left").length;
		peer.type(CTRL_C);
		expect((await peer.exited).status).toBe(0);
		expect(hub.events.filter(({ type }) => type === "peer_left").length).toBe(before + 1);
	});

	test("the ticket and then the port are typed in one go", async () => {
		await using peer = starting(["join", "me", ...OFFLINE, ...WEB], { wrapper });
		await peer.shows("Join code or ticket: ");
		peer.type(`${hub.ticket}\n`);
		await peer.shows("Another port for db [");
		peer.type("0\n");
		await peer.line(READY);
		expect(await localUrl(peer, "db")).toMatch(/^tcp:\/\/localhost:\d+$/);
	});

	test("nobody is asked where standard input is no terminal", async () => {
		const piped = ["sh", "-c", `exec script -qec "exec $(printf '%s ' "$0" "$@") </dev/null" /dev/null`];
		await using peer = starting(joining(...WEB), { wrapper: piped });
		await peer.line(READY);
		expect(peer.stdout).toContain("instead.");
	});
});
