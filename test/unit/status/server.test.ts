// The status server over real HTTP: what each path answers, to whom, and what it refuses.
import { afterEach, describe, expect, spyOn, test } from "bun:test";
import type { HivemindError } from "../../../src/base/errors.ts";
import { type StatusServer, type StatusServerOptions, startStatusServer } from "../../../src/status/server.ts";
import type { Snapshot } from "../../../src/status/snapshot.ts";
import { CODE, FakeSource, hubSnapshot, peerSnapshot, TICKET } from "../../support/status-source.ts";
import { raw, STRANGE, strangeRequest } from "../../support/strangers.ts";
import { thrown } from "../../support/throws.ts";

const TOKEN = "a token's+worth=".replaceAll(" ", "-");
let server: StatusServer | undefined;
let faults: string[] = [];

afterEach(async () => {
	await server?.stop();
	server = undefined;
	expect(faults).toEqual([]);
});

/** Starts a server for a hub, or for `state`. */
function serve(state: Snapshot = hubSnapshot(), more: Partial<StatusServerOptions> = {}): FakeSource {
	const source = new FakeSource(state);
	faults = [];
	const address = { host: "127.0.0.1", port: 0 };
	server = startStatusServer({ address, source, onFault: (reason) => faults.push(reason), ...more });
	return source;
}

const get = (path: string, headers: Record<string, string> = {}, more: RequestInit = {}) =>
	fetch(new URL(path, server?.url), { headers, redirect: "manual", keepalive: false, ...more });
const port = () => Number(new URL(server?.url ?? "").port);
const bearer = (token = TOKEN) => ({ authorization: `Bearer ${token}` });
/** What the link of a hub's page has. */
const madeUp = () => new URL(server?.link ?? "").searchParams.get("token") as string;

describe("what is answered", () => {
	test("/status: the snapshot as JSON", async () => {
		const source = serve(peerSnapshot());
		const response = await get("/status");
		expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
		expect(await response.json()).toEqual(source.snapshot());
	});

	test("/metrics: Prometheus' text format", async () => {
		serve();
		const response = await get("/metrics");
		expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
		expect(await response.text()).toContain('hivemind_streams_total{service="frontend"} 128\n');
	});

	test("/healthz: 200 or 503, with the reason", async () => {
		const source = serve();
		const good = await get("/healthz");
		expect([good.status, await good.text()]).toEqual([200, "ok\n"]);
		source.state = hubSnapshot({ state: "stopping" });
		const bad = await get("/healthz");
		expect([bad.status, await bad.text()]).toEqual([503, "the hub is stopping\n"]);
	});

	test("/: the page, with its own policy", async () => {
		serve();
		const response = await get("/");
		expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
		expect(response.headers.get("content-security-policy")).toContain("script-src 'sha256-");
		expect(await response.text()).toStartWith("<!doctype html>");
	});

	test.each(["/nothing", "/status/", "//status", "/x/../status", "/STATUS", "/%2e/status", "/index.html"])(
		"%s: 404",
		async (path) => {
			serve();
			expect(await raw(port(), `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)).toMatch(
				/^HTTP\/1\.1 404 /,
			);
		},
	);

	test.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])("%s is not allowed anywhere", async (method) => {
		serve();
		for (const path of ["/", "/status", "/metrics", "/events", "/healthz", "/join.svg", "/nothing"]) {
			const response = await get(path, {}, { method });
			expect([path, response.status, response.headers.get("allow")]).toEqual([path, 405, "GET, HEAD"]);
		}
	});

	test("HEAD has the same status and no body, and opens no stream", async () => {
		serve();
		for (const [path, status] of [
			["/", 200],
			["/status", 200],
			["/events", 200],
			["/healthz", 200],
			["/nothing", 404],
		] as const) {
			const response = await get(path, {}, { method: "HEAD" });
			expect([path, response.status, await response.text()]).toEqual([path, status, ""]);
		}
	});

	test("every response is kept out of caches, frames and other sites", async () => {
		serve();
		for (const path of ["/", "/status", "/metrics", "/events", "/healthz", "/join.svg", "/nothing"]) {
			const { headers } = await get(path, {}, { method: "HEAD" });
			expect(headers.get("cache-control"), path).toBe("no-store");
			expect(headers.get("x-content-type-options"), path).toBe("nosniff");
			expect(headers.get("referrer-policy"), path).toBe("no-referrer");
			expect(headers.get("cross-origin-resource-policy"), path).toBe("same-origin");
			expect(headers.get("content-security-policy"), path).toMatch(/^default-src 'none';.*frame-ancestors 'none'/);
			expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
		}
	});
});

describe("who may ask", () => {
	test.each([
		["evil.example", 403],
		["evil.example:4040", 403],
		["localhost:1", 200],
		["[::1]", 200],
		["a b", 400],
	])("Host: %s → %p", async (host, status) => {
		serve();
		const answer = await raw(port(), `GET /status HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
		expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
		expect(answer.includes('"role"')).toBe(status === 200);
	});

	test.each(Object.entries(STRANGE))("a request with %s gets a short answer without a stack", async (_, head) => {
		serve();
		const answer = await strangeRequest(port(), head.replace("/v1", "/status"));
		expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
		expect(answer.length).toBeLessThan(700);
		expect(answer).not.toMatch(/ at |\.ts|Error:/);
	});

	test("another site's page is refused, whatever it asks", async () => {
		serve();
		for (const path of ["/status", "/events", "/join.svg", "/"]) {
			expect((await get(path, { origin: "http://evil.example" })).status).toBe(403);
			expect((await get(path, { "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors" })).status).toBe(403);
		}
		expect((await get("/status", { origin: (server?.url ?? "").slice(0, -1) })).status).toBe(200);
	});

	test("on loopback everybody sees the hub, but only its starter the ticket and the code", async () => {
		const source = serve();
		source.emit({ event: "code", code: CODE });
		const open = await (await get("/status")).text();
		expect(open).toContain('"name":"my-hub"');
		for (const path of ["/status", "/metrics", "/join.svg", "/"]) {
			expect(await (await get(path)).text(), path).not.toMatch(new RegExp(`${TICKET}|${CODE}`));
		}
		expect((await get("/join.svg")).status).toBe(404);
		expect(await (await get("/status", bearer(madeUp()))).json()).toMatchObject({
			ticket: TICKET,
			code: { code: CODE },
			joinCommand: expect.stringContaining(CODE),
		});
		const picture = await get("/join.svg", bearer(madeUp()));
		expect(picture.headers.get("content-type")).toBe("image/svg+xml");
		expect(await picture.text()).toStartWith("<svg ");
	});

	test("the link opens the page once, and leaves a cookie and no token", async () => {
		serve();
		const response = await fetch(server?.link as string, { redirect: "manual" });
		expect([response.status, response.headers.get("location")]).toEqual([303, "/"]);
		const [cookie = ""] = response.headers.getSetCookie();
		expect(cookie).toMatch(/; HttpOnly; SameSite=Strict$/);
		expect(cookie).not.toContain(madeUp());
		expect(await (await get("/status", { cookie: cookie.split(";")[0] as string })).json()).toHaveProperty("ticket");
		expect((await get("/?token=wrong")).status).toBe(401);
		expect((await get("/?token=%zz")).status).toBe(401);
		// Elsewhere a token in the address, which ends up in logs, is nothing.
		expect(await (await get(`/status?token=${madeUp()}`)).json()).not.toHaveProperty("ticket");
	});

	test("a peer has no secret, and no token in its link", () => {
		serve(peerSnapshot());
		expect(server?.link).toBe(server?.url as string);
	});

	test("with a token nothing is shown without it, and it is not in the link", async () => {
		serve(hubSnapshot(), { token: TOKEN });
		expect(server?.link).toBe(server?.url as string);
		for (const path of ["/", "/status", "/metrics", "/events", "/healthz", "/join.svg", "/nothing"]) {
			const response = await get(path);
			expect([path, response.status], path).toEqual([path, 401]);
			expect(await response.text()).toContain("Bearer");
		}
		expect(await (await get("/status", bearer())).json()).toHaveProperty("ticket", TICKET);
		expect((await get("/healthz", bearer())).status).toBe(200);
		expect((await get("/status", bearer("wrong"))).status).toBe(401);
		expect((await get(`/?token=${encodeURIComponent(TOKEN)}`)).status).toBe(303);
		// As a person types it.
		expect((await get(`/?token=${TOKEN}`)).status).toBe(303);
	});

	test("other machines are only served with a token", async () => {
		const address = { host: "0.0.0.0", port: 0 };
		const source = new FakeSource(hubSnapshot());
		thrown("usage", () => startStatusServer({ address, source }));
		serve(hubSnapshot(), { address, token: TOKEN });
		expect(server?.url).toMatch(/^http:\/\/0\.0\.0\.0:\d+\/$/);
		const there = `http://127.0.0.1:${port()}/status`;
		expect((await fetch(there)).status).toBe(401);
		expect((await fetch(there, { headers: bearer() })).status).toBe(200);
	});
});

test("an exception is a short 500, and is reported on one line without control characters", async () => {
	const source = serve();
	source.onSnapshot = () => {
		throw new Error("a \u009bbug\nat y");
	};
	const response = await get("/status");
	expect([response.status, await response.text()]).toEqual([500, "Internal error.\n"]);
	expect(faults).toEqual(["a bug"]);
	faults = [];
});

test("a port that is in use is an error that names the option, and leaves nothing behind", async () => {
	serve();
	const source = new FakeSource(hubSnapshot());
	const unsubscribed = spyOn(source, "subscribe");
	const error: HivemindError = thrown("listen", () =>
		startStatusServer({ address: { host: "127.0.0.1", port: port() }, source }),
	);
	expect(error.message).toStartWith(`The status server cannot listen on 127.0.0.1:${port()}: the port is in use`);
	expect(error.hint).toContain("--status-addr");
	expect(unsubscribed).toHaveBeenCalledTimes(1);
});

test("a stopped server ends its streams, frees its port, and can be stopped again", async () => {
	const source = serve();
	const events = await get("/events");
	const old = server as StatusServer;
	source.emit({ event: "stopping", interrupted: true });
	await old.stop();
	await old.stop();
	expect(await events.text()).toContain('"event":"stopping"');
	serve(hubSnapshot(), { address: { host: "127.0.0.1", port: Number(new URL(old.url).port) } });
	expect(server?.url).toBe(old.url);
});
