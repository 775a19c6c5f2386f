// Join codes in the network of an organisation: a mailbox server whose certificate comes from a private authority, and a
// proxy that is the only way out. Hub and peer are the real executable, and so is the mailbox server.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { EXIT_STATUS } from "../../src/base/errors.ts";
import { type Authority, authority, connectProxy, type Front, tlsFront } from "../support/certificates.ts";
import { type Program, type RunOptions, run, start } from "../support/executable.ts";
import { available, DOWN, expectError, OFFLINE, type Scratch, scratch } from "./terminals.ts";

const LOCAL = ["--frontend-addr", "127.0.0.1:0", "--backend-addr", "127.0.0.1:0", "--ws-addr", "127.0.0.1:0"];
const ANY_CODE = "5-hamburger-endorse";

let mailbox: Program;
let port: number;

beforeAll(async () => {
	mailbox = start(["mailbox", "--listen", "127.0.0.1:0"]);
	const [, url = ""] = await mailbox.line(/^Mailbox server for join codes: (ws:\S+)$/);
	port = Number(new URL(url).port);
});

afterAll(() => mailbox[Symbol.asyncDispose]());

const sharing = (relay: string, options?: RunOptions) =>
	start(["share", DOWN, DOWN, DOWN, "my-hub", "--wormhole", "--wormhole-relay", relay, ...OFFLINE], options);

const joining = (relay: string, code = ANY_CODE) => [
	...["join", "my-peer", "--join-code", code, "--wormhole-relay", relay],
	...LOCAL,
	...OFFLINE,
];

/** A hub offers a code at `relay`, and a peer that types it gets in. */
async function expectMeeting(relay: string, options: RunOptions): Promise<void> {
	await using hub = sharing(relay, options);
	const [, code = ""] = await hub.line(/^Join code: (\S+)$/);
	await using peer = start(joining(relay, code), options);
	await peer.line(/^Press Ctrl\+C to stop\.$/);
}

const OPENSSL = available("openssl", ["openssl", "version"]);
/** An own /etc/ssl/certs vanishes with its namespace. */
const NAMESPACES =
	process.platform === "linux" &&
	available("an /etc/ssl/certs of its own", ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/etc/ssl/certs"]);

describe.skipIf(!OPENSSL)("a certificate of a private authority", () => {
	let folder: Scratch;
	let own: Authority;
	let front: Front;
	let relay: string;

	beforeAll(async () => {
		folder = await scratch({});
		own = await authority(folder.path);
		front = await tlsFront(port, own);
		relay = `wss://localhost:${front.port}`;
	});

	afterAll(async () => {
		await front[Symbol.asyncDispose]();
		await folder[Symbol.asyncDispose]();
	});

	/** The system's store holds that authority and no other. */
	const store = (path: string) => [
		...["unshare", "-m", "sh", "-ec"],
		`mount -t tmpfs tmpfs /etc/ssl/certs; cp '${own.ca}' /etc/ssl/certs/${path}; exec "$0" "$@"`,
	];

	test.skipIf(!NAMESPACES)(
		"is trusted when it is in the system's bundle, which has no file per authority",
		async () => {
			await expectMeeting(relay, { wrapper: store("ca-certificates.crt") });
		},
	);

	test.each(["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"])("is trusted when %s names it", async (name) => {
		await expectMeeting(relay, { env: { [name]: own.ca } });
	});

	test("is not trusted otherwise: the peer's error says what to do", async () => {
		const finished = await run(joining(relay));
		expectError(finished, "mailbox", /localhost:\d+\/v1 cannot be reached: the certificate is not trusted \(/);
		expect(finished.stderr).toMatch(/certificate store.*SSL_CERT_FILE.*NODE_EXTRA_CA_CERTS.*--ticket/);
	});

	test("is not trusted otherwise: the hub says what to do, and its ticket works", async () => {
		await using hub = sharing(relay);
		const said = await hub.line(/^The mailbox .* cannot be reached: the certificate is not trusted/);
		expect(said.input).toMatch(/SSL_CERT_FILE.*Trying again …$/);
		await hub.line(/^Ticket: endpoint/);
	});

	test("NODE_TLS_REJECT_UNAUTHORIZED=0, set for another program, does not make it trusted", async () => {
		const finished = await run(joining(relay), { env: { NODE_TLS_REJECT_UNAUTHORIZED: "0" } });
		expectError(finished, "mailbox", /the certificate is not trusted/);
	});

	test("for another host is refused", async () => {
		const finished = await run(joining(`wss://127.0.0.1:${front.port}`), { env: { SSL_CERT_FILE: own.ca } });
		expectError(finished, "mailbox", /cannot be reached: .*altnames/);
	});

	test("is checked behind a proxy, too", async () => {
		await using proxy = await connectProxy();
		const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
		const away = `wss://mailbox.test:${front.port}`;
		await expectMeeting(away, { env: { ...env, SSL_CERT_FILE: own.ca } });
		const finished = await run(joining(away), { env: { ...env, NODE_TLS_REJECT_UNAUTHORIZED: "0" } });
		expectError(finished, "mailbox", /through the proxy .* \(HTTPS_PROXY\): the certificate is not trusted/);
	});
});

describe("a proxy is the only way out", () => {
	/** Nobody but the proxy knows this host. */
	const away = () => `ws://mailbox.test:${port}`;

	test.each(["HTTP_PROXY", "http_proxy"])("%s leads hub and peer to the mailbox server", async (name) => {
		await using proxy = await connectProxy();
		await expectMeeting(away(), { env: { [name]: `http://127.0.0.1:${proxy.port}` } });
		expect(proxy.requests.length).toBeGreaterThanOrEqual(2);
		for (const request of proxy.requests) {
			expect(request).toStartWith(`CONNECT mailbox.test:${port} HTTP/1.1\r\n`);
			expect(request).not.toContain("Authorization");
		}
	});

	test("its user name and password are sent to it", async () => {
		await using proxy = await connectProxy();
		await expectMeeting(away(), { env: { HTTP_PROXY: `http://me:p%40ss%3A%20word@127.0.0.1:${proxy.port}` } });
		const login = Buffer.from("me:p@ss: word").toString("base64");
		for (const request of proxy.requests) expect(request).toContain(`\r\nProxy-Authorization: Basic ${login}`);
	});

	test.each([
		["a server on this machine", () => `ws://127.0.0.1:${port}`, {}],
		["a server on this machine, by its name", () => `ws://localhost:${port}`, {}],
		["what NO_PROXY lists", () => `ws://0.0.0.0:${port}`, { NO_PROXY: "example.org,0.0.0.0" }],
		["a ws URL, when only HTTPS_PROXY is set", () => `ws://0.0.0.0:${port}`, { HTTP_PROXY: "" }],
	])("%s is reached without it", async (_, relay, env) => {
		await using proxy = await connectProxy("403 Forbidden");
		const at = `http://127.0.0.1:${proxy.port}`;
		await expectMeeting(relay(), { env: { HTTP_PROXY: at, HTTPS_PROXY: at, ...env } });
		expect(proxy.requests).toEqual([]);
	});

	test("the same address is not reached without it when nothing says so (otherwise the test above proves nothing)", async () => {
		await using proxy = await connectProxy("403 Forbidden");
		await run(joining(`ws://0.0.0.0:${port}`), { env: { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` } });
		expect(proxy.requests).toHaveLength(1);
	});

	test("that is down: the error names it and its variable, without its password", async () => {
		const finished = await run(joining(away()), { env: { HTTP_PROXY: "http://me:s3cret@127.0.0.1:1" } });
		expectError(
			finished,
			"mailbox",
			/mailbox\.test:\d+\/v1 cannot be reached through the proxy http:\/\/127\.0\.0\.1:1 \(HTTP_PROXY\): connection refused\. /,
		);
		expect(finished.stderr).not.toContain("s3cret");
		expect(finished.stderr).not.toContain("me:");
	});

	test("that wants a password: the error says where it goes", async () => {
		await using proxy = await connectProxy("407 Proxy Authentication Required");
		const finished = await run(joining(away()), { env: { HTTP_PROXY: `127.0.0.1:${proxy.port}` } });
		expectError(finished, "mailbox", /\(HTTP_PROXY\): the proxy answered '407 Proxy Authentication Required'\. /);
		expect(finished.stderr).toContain("HTTP_PROXY=http://USER:PASSWORD@HOST:PORT");
	});

	test("that refuses: the hub names it, and its ticket works", async () => {
		await using proxy = await connectProxy("403 Forbidden");
		await using hub = sharing(away(), { env: { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` } });
		await hub.line(
			/^The mailbox ws:\S+ cannot be reached through the proxy http:\/\/127\.0\.0\.1:\d+ \(HTTP_PROXY\): the proxy answered '403 Forbidden'\. .* list mailbox\.test in NO_PROXY\. Trying again …$/,
		);
		await hub.line(/^Ticket: endpoint/);
	});

	test("that is no HTTP proxy: the peer's error says so; the hub goes on without codes", async () => {
		const env = { HTTP_PROXY: "socks5://me:s3cret@127.0.0.1:1080" };
		const finished = await run(joining(away()), { env });
		expectError(finished, "mailbox", /^error: HTTP_PROXY is not the URL of an http or https proxy\. .*NO_PROXY/);
		expect(finished.stderr).not.toContain("s3cret");
		await using hub = sharing(away(), { env });
		await hub.line(/^error: HTTP_PROXY is not the URL of an http or https proxy\. .*can still join with the ticket/);
		hub.signal("SIGTERM");
		expect((await hub.exited).status).toBe(EXIT_STATUS.ok.status);
	});
});
