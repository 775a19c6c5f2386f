// The three services that `demo` shares: a page, a JSON API and a WebSocket echo, small but real.

import { type Address, formatAddress } from "../base/address.ts";
import page from "./page.html" with { type: "text" };

export interface DemoServices {
	/** Frontend, backend, WebSocket. */
	addresses: Address[];
	/** Takes the peer's local addresses of the three, at which the page then calls backend and WebSocket. */
	reachableAt(addresses: readonly Address[]): void;
	stop(): Promise<void>;
}

/** Bytes that `/api/bytes` sends: enough to cross every buffer on the way. */
export const DEMO_BYTES = 8 * 1024 * 1024;

/** Byte `i` of `/api/bytes`, so that the other side can check each one. */
export const demoByte = (i: number): number => (i * 31 + (i >> 8)) & 0xff;

/** Starts all three on free loopback ports. */
export function startDemoServices(): DemoServices {
	let seen: readonly Address[] = [];
	const local = {
		hostname: "127.0.0.1",
		port: 0,
		// Bun's page for exceptions would show the working directory. Without it, ports would be shared unless told otherwise.
		development: false,
		reusePort: false,
		error: () => new Response("internal error\n", { status: 500 }),
	} as const;
	// bun-types declares *.html as a bundle; with `type: "text"` it is a string.
	const html = page as unknown as string;

	const frontend = Bun.serve({
		...local,
		fetch: () => {
			const [, backend, websocket] = seen;
			const filled =
				backend && websocket
					? html.replace("{{backend}}", formatAddress(backend)).replace("{{websocket}}", formatAddress(websocket))
					: html;
			return new Response(filled, { headers: { "content-type": "text/html; charset=utf-8" } });
		},
	});
	const backend = Bun.serve({
		...local,
		routes: {
			"/api/hello": () =>
				Response.json(
					{ message: "hello from the hub's API", pid: process.pid },
					{ headers: { "access-control-allow-origin": "*" } },
				),
			"/api/bytes": () => new Response(Uint8Array.from({ length: DEMO_BYTES }, (_, i) => demoByte(i))),
		},
		fetch: () => new Response("not found\n", { status: 404 }),
	});
	const websocket = Bun.serve({
		...local,
		fetch: (request, server) =>
			server.upgrade(request) ? undefined : new Response("This is a WebSocket service.\n", { status: 426 }),
		websocket: {
			message: (socket, message) => {
				socket.send(message);
			},
		},
	});
	const servers = [frontend, backend, websocket];
	return {
		addresses: servers.map(({ port }) => ({ host: "127.0.0.1", port: port as number })),
		reachableAt(addresses) {
			seen = addresses;
		},
		stop: async () => {
			await Promise.all(servers.map((server) => server.stop(true)));
		},
	};
}
