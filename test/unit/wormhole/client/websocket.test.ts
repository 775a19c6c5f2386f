// What one socket to a mailbox server reports, with real servers on loopback.
import { expect, test } from "bun:test";
import type { Outage } from "../../../../src/wormhole/client/failures.ts";
import type { Route } from "../../../../src/wormhole/client/proxy.ts";
import { TIMING } from "../../../../src/wormhole/client/timing.ts";
import { openMailboxSocket } from "../../../../src/wormhole/client/websocket.ts";
import { MAILBOX_MESSAGE_MAX } from "../../../../src/wormhole/limits.ts";
import { connectProxy } from "../../../support/certificates.ts";

/** What a socket says, from its opening to its end, which the server brings about. */
function story(route: Route): Promise<{ frames: string[]; outage: Outage }> {
	const frames: string[] = [];
	return new Promise((resolve) => {
		openMailboxSocket(
			route,
			{
				onOpen: () => frames.push("open"),
				onFrame: (frame) => frames.push(String(frame)),
				onTooLong: () => frames.push("too long"),
				onDown: (outage) => resolve({ frames, outage }),
			},
			TIMING,
		);
	});
}

/** Sends one frame and closes with a reason. */
function server(reason: string, frame = "hello") {
	const listener = Bun.serve({
		hostname: "127.0.0.1",
		port: 0,
		fetch: (request, self) => (self.upgrade(request) ? undefined : new Response("", { status: 400 })),
		websocket: {
			open(socket) {
				socket.send(frame);
				socket.close(4000, reason);
			},
			message() {},
		},
	});
	return { port: listener.port, [Symbol.asyncDispose]: () => listener.stop(true) };
}

test("control characters in a server's last words do not reach the screen", async () => {
	await using mailbox = server("\x1b[2Jclosed\r\nfor today");
	const { frames, outage } = await story({ url: `ws://127.0.0.1:${mailbox.port}/`, proxy: undefined });
	expect(frames).toEqual(["open", "hello"]);
	expect(outage).toEqual({ why: "[2Jclosed for today" });
});

test.each([
	["", undefined],
	["me:pass%20word@", `Basic ${Buffer.from("me:pass word").toString("base64")}`],
])("a ws URL goes through a proxy, too, by CONNECT: http://%s…", async (login, authorization) => {
	await using mailbox = server("done");
	await using proxy = await connectProxy();
	const address = `127.0.0.1:${proxy.port}`;
	const { frames, outage } = await story({
		url: `ws://mailbox.test:${mailbox.port}/`,
		proxy: { url: `http://${login}${address}/`, name: address, variable: "HTTP_PROXY" },
	});
	expect(frames).toEqual(["open", "hello"]);
	expect(outage).toEqual({ why: "done" });
	const [request = ""] = proxy.requests;
	expect(request).toStartWith(`CONNECT mailbox.test:${mailbox.port} HTTP/1.1\r\n`);
	expect(/^Proxy-Authorization: (.*)$/im.exec(request)?.[1]).toBe(authorization);
});

test("a message that is too long ends the socket behind a proxy, too", async () => {
	await using mailbox = server("done", "a".repeat(MAILBOX_MESSAGE_MAX + 1));
	await using proxy = await connectProxy();
	const address = `127.0.0.1:${proxy.port}`;
	const { frames, outage } = await story({
		url: `ws://mailbox.test:${mailbox.port}/`,
		proxy: { url: `http://${address}/`, name: address, variable: "HTTP_PROXY" },
	});
	expect(frames).toEqual(["open", "too long"]);
	expect(outage).toEqual({ why: "it sent a message that is too long" });
});
