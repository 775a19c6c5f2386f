// The five services that `demo` shares: a page, a JSON API and a WebSocket echo under the original names, a mail reader
// under a name of its own, and a database that is down.

import { type Address, formatAddress } from "../base/address.ts";
import { type SharedService, withPortIds } from "../protocol/services.ts";
import page from "./page.html" with { type: "text" };

export interface DemoServices {
	shared: SharedService[];
	/** Takes the peer's local addresses, at which the page then calls backend and WebSocket. */
	reachableAt(addresses: ReadonlyMap<string, Address>): void;
	stop(): Promise<void>;
}

/** Bytes that `/api/bytes` sends: enough to cross every buffer on the way. */
export const DEMO_BYTES = 8 * 1024 * 1024;

/** Byte `i` of `/api/bytes`, so that the other side can check each one. */
export const demoByte = (i: number): number => (i * 31 + (i >> 8)) & 0xff;

/** Nobody listens there. */
export const DOWN = "db";

/** Starts all but the one that is down, on free loopback ports. */
export function startDemoServices(): DemoServices {
	let seen: ReadonlyMap<string, Address> = new Map();
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
			const [backend, websocket] = [seen.get("backend"), seen.get("websocket")];
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
	const mail = Bun.serve({ ...local, fetch: () => new Response("One new message: hello from the hub.\n") });
	const nobody = Bun.serve({ ...local, fetch: () => new Response() });
	// A port that was free a moment ago: the system hands out all others first.
	const down = { host: "127.0.0.1", port: nobody.port as number };
	void nobody.stop(true);
	const servers = [frontend, backend, websocket, mail];
	const at = ({ port }: { port?: number | undefined }) => ({ host: "127.0.0.1", port: port as number });
	return {
		shared: withPortIds([
			{ name: "frontend", scheme: "http", address: at(frontend) },
			{ name: "backend", scheme: "http", address: at(backend) },
			{ name: "websocket", scheme: "ws", address: at(websocket) },
			{ name: "mail", scheme: "http", address: at(mail) },
			{ name: DOWN, scheme: "tcp", address: down },
		]),
		reachableAt(addresses) {
			seen = addresses;
		},
		stop: async () => {
			await Promise.all(servers.map((server) => server.stop(true)));
		},
	};
}
