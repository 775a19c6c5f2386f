// `localhost` is two addresses, and a browser may take either: the real executable listens on both, or says who is in
// the way before anything is connected.
import { describe, expect, test } from "bun:test";
import { run, start } from "../support/executable.ts";
import { Puppet } from "../support/puppet.ts";
import { available, deadTicket, expectError, get, hub, joining, OFFLINE, peer, serve } from "./terminals.ts";

const HINT =
	"Stop it, or choose another address with --bind frontend=PORT \\(or --frontend-addr\\); port 0 takes a free one\\.";

test("localhost leads to the service on both addresses, and is one URL on the screen", async () => {
	await using page = serve(() => new Response("a page"));
	await using sharing = await hub([page.address]);
	await using joined = await peer(sharing.ticket, ["--frontend-addr", "localhost:0"]);
	const { port, hostname } = new URL(joined.urls.frontend);
	expect(hostname).toBe("localhost");
	for (const host of ["127.0.0.1", "[::1]", "localhost"]) expect(await get(`http://${host}:${port}`)).toBe("a page");
	expect(joined.program.stdout.match(/^ {2}frontend /gm)).toHaveLength(1);
	joined.program.signal("SIGINT");
	expect((await joined.program.exited).status).toBe(0);
	for (const host of ["127.0.0.1", "[::1]"])
		expect(await get(`http://${host}:${port}`).catch(() => "closed")).toBe("closed");
});

test("a dev server has [::1], so that localhost is the wrong site: an error that names it, and no join code is spent", async () => {
	await using puppet = new Puppet();
	const { port } = await puppet.listen("::1");
	let connections = 0;
	const mailbox = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { open: () => void connections++, data() {} } });
	const code = ["--join-code", "5-hamburger-endorse", "--wormhole-relay", `ws://127.0.0.1:${mailbox.port}`];
	const finished = await run(["join", "my-peer", ...code, ...OFFLINE, "--frontend-addr", `localhost:${port}`]);
	mailbox.stop(true);
	expectError(
		finished,
		"listen",
		new RegExp(
			`^error: Cannot listen on \\[::1\\]:${port} for the frontend: node \\(pid \\d+\\) listens there, ` +
				`so localhost:${port} could lead to either program\\. ${HINT}$`,
			"m",
		),
	);
	expect(connections).toBe(0);
});

test("a dev server listens on every address", async () => {
	await using puppet = new Puppet();
	for (const [host, taken] of [
		["0.0.0.0", "127\\.0\\.0\\.1"],
		["::", "\\[::1\\]"],
	] as const) {
		const { port } = await puppet.listen(host);
		const finished = await run(joining(await deadTicket(), "--frontend-addr", `localhost:${port}`));
		const every = host === "::" ? "\\[::\\]" : host;
		const message = `Cannot listen on ${taken}:${port} for the frontend: node \\(pid \\d+\\) listens on ${every}:${port}, so`;
		expectError(finished, "listen", new RegExp(message));
	}
});

test("an address that is given by itself is just that one, even if another program has the other", async () => {
	await using puppet = new Puppet();
	const { port } = await puppet.listen("::1");
	await using page = serve(() => new Response("a page"));
	await using sharing = await hub([page.address]);
	await using joined = await peer(sharing.ticket, ["--frontend-addr", `127.0.0.1:${port}`]);
	expect(joined.urls.frontend).toBe(`http://127.0.0.1:${port}`);
	expect(await get(joined.urls.frontend)).toBe("a page");
});

const namespaces = available("a network of its own", ["unshare", "-n", "ip", "link", "set", "lo", "up"]);
/** Runs the program in a network of its own, after `first`. */
const alone = (first: string, wrapper: string[] = []) => [
	...["unshare", "-n", "sh", "-c", `ip link set lo up; ${first}; exec "$0" "$@"`],
	...wrapper,
];
/** Listens on [::1]:8000 while a program runs. */
const DEV_SERVER = `require("net").createServer().listen(8000, "::1", () =>
	require("child_process").spawn(process.argv[1], process.argv.slice(2), { stdio: "inherit" }).on("exit", process.exit))`;
const withDefaults = async () => ["join", "my-peer", "--ticket", await deadTicket(), ...OFFLINE];

describe.skipIf(!namespaces)("the default ports", () => {
	test("one of the second addresses is taken, and the port was named: an error that names who has it", async () => {
		const finished = await run([...(await withDefaults()), "--bind", "backend=8000"], {
			wrapper: alone(":", ["node", "-e", DEV_SERVER]),
		});
		expectError(
			finished,
			"listen",
			/Cannot listen on \[::1\]:8000 for the backend: node \(pid \d+\) listens there, so localhost:8000 could/,
		);
	});

	test("are on 127.0.0.1 only, where the machine has no ::1", async () => {
		const wrapper = alone("echo 1 > /proc/sys/net/ipv6/conf/lo/disable_ipv6");
		await using program = start(await withDefaults(), { wrapper });
		await program.line(/^Waiting for the hub/);
		program.signal("SIGINT");
		expect(await program.exited).toMatchObject({ status: 0 });
	});
});
