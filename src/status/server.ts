// The status server: what a program does, for a person's browser and for other programs. It answers GET and HEAD only and
// changes nothing. Nothing that a stranger sends is parsed as a URL: Bun makes the URL of a request from its Host header,
// which need not be one.
import { renderSVG } from "uqr";
import { type Address, formatAddress, network } from "../base/address.ts";
import { firstLine } from "../base/errors.ts";
import { listenError } from "../base/listen-error.ts";
import { printable } from "../base/printable.ts";
import { Access, checkStatusAddress, type Grant } from "./access.ts";
import { EventFeed } from "./event-feed.ts";
import { unhealthy } from "./health.ts";
import { REQUEST_BODY_MAX, REQUEST_IDLE_S } from "./limits.ts";
import { METRICS_TYPE, metricsText } from "./metrics.ts";
import { PAGE, PAGE_POLICY } from "./page.ts";
import { visibleSnapshot } from "./secrets.ts";
import type { StatusSource } from "./source.ts";

export interface StatusServerOptions {
	/** Port 0 takes a free one. */
	address: Address;
	/** Without one, only loopback is allowed, and a token is made up for those who may see tickets and join codes. */
	token?: string;
	source: StatusSource;
	/** An exception that nobody expected, on one line. It has ended one request. */
	onFault?(reason: string): void;
}

export interface StatusServer {
	/** Where it is: `http://127.0.0.1:4040/`. */
	url: string;
	/** The page for the person who started the program: with a hub's made-up token, which is a secret. */
	link: string;
	/** Ends everything and frees the port. Idempotent. */
	stop(): Promise<void>;
}

/** Serves the status until it is stopped. @throws HivemindError `listen`, and `usage` like {@link checkStatusAddress} */
export function startStatusServer({ address, token, source, onFault }: StatusServerOptions): StatusServer {
	checkStatusAddress(address, token);
	const fault = (error: unknown) => onFault?.(printable(firstLine(error)));
	const feed = new EventFeed(source, fault);
	const routes = routesOf(source, feed);
	let server: Server;
	try {
		server = Bun.serve({
			hostname: address.host,
			port: address.port,
			// Otherwise an exception is answered with a page that shows the working directory and a stack.
			development: false,
			// Without development mode the default is true: a second program would take the same port without an error.
			reusePort: false,
			idleTimeout: REQUEST_IDLE_S,
			maxRequestBodySize: REQUEST_BODY_MAX,
			routes: Object.fromEntries(Object.entries(routes).map(([path, route]) => [path, guarded(route)])),
			fetch: guarded(() => plain(404, "Not found. There are /, /status, /metrics, /events and /healthz.")),
			error(error) {
				fault(error);
				return plain(500, "Internal error.");
			},
		});
	} catch (cause) {
		feed.close();
		throw listenError("The status server", address, cause, "Choose another address with --status-addr.");
	}
	const bound = { host: address.host, port: server.port as number };
	const access = new Access(bound, token);
	const url = `http://${formatAddress(bound)}/`;
	const secret = source.snapshot().role === "hub" ? access.madeUp : undefined;
	let stopped: Promise<void> | undefined;
	return {
		url,
		link: secret === undefined ? url : `${url}?token=${secret}`,
		stop() {
			stopped ??= stop();
			return stopped;
		},
	};

	async function stop(): Promise<void> {
		feed.close();
		// Their last event and their end are on the way to the socket.
		await Bun.sleep(0);
		await server.stop(true);
	}

	/** The same route for those who may use it. */
	function guarded(route: Route): (request: Request, server: Server) => Response {
		return (request, server) => {
			const from = network(server.requestIP(request)?.address ?? "");
			const given = route === routes["/"] ? tokenIn(request.url) : undefined;
			const verdict = given === undefined ? access.judge(request, from) : access.logIn(request, given, from);
			if ("status" in verdict) return plain(verdict.status, verdict.text);
			if (request.method !== "GET" && request.method !== "HEAD") return plain(405, "Only GET and HEAD.", ALLOW);
			// Away from the token, which nobody should bookmark or copy.
			if ("cookie" in verdict) return plain(303, "", { location: "/", "set-cookie": verdict.cookie });
			return route({ request, server, ...verdict });
		};
	}
}

// --- internal ---

type Server = Bun.Server<undefined>;
type Route = (asked: { request: Request; server: Server } & Grant) => Response;

const ALLOW = { allow: "GET, HEAD" };

/** What belongs to every response: nothing is stored, guessed, framed, or readable for other sites. */
const HEADERS = {
	"cache-control": "no-store",
	"content-security-policy": "default-src 'none'; frame-ancestors 'none'",
	"cross-origin-opener-policy": "same-origin",
	"cross-origin-resource-policy": "same-origin",
	"referrer-policy": "no-referrer",
	"x-content-type-options": "nosniff",
} as const;

const answer = (status: number, type: string, body: string | ReadableStream | null, more?: Record<string, string>) =>
	new Response(body, { status, headers: { ...HEADERS, "content-type": type, ...more } });

const plain = (status: number, text: string, more?: Record<string, string>) =>
	answer(status, "text/plain; charset=utf-8", `${text}\n`, more);

function routesOf(source: StatusSource, feed: EventFeed): Record<string, Route> {
	return {
		"/": () => answer(200, "text/html; charset=utf-8", PAGE, { "content-security-policy": PAGE_POLICY }),
		"/status": ({ secrets }) =>
			answer(
				200,
				"application/json; charset=utf-8",
				`${JSON.stringify(visibleSnapshot(source.snapshot(), secrets))}\n`,
			),
		"/metrics": () => answer(200, METRICS_TYPE, metricsText(source.snapshot())),
		"/healthz": () => {
			const why = unhealthy(source.snapshot());
			return why === undefined ? plain(200, "ok") : plain(503, why);
		},
		"/join.svg": ({ secrets }) => {
			const snapshot = visibleSnapshot(source.snapshot(), secrets);
			const command = snapshot.role === "hub" ? snapshot.joinCommand : undefined;
			return command === undefined
				? plain(404, "There is no join command, or it is not for you.")
				: answer(200, "image/svg+xml", renderSVG(command, { border: 2 }));
		},
		"/events": ({ request, server, secrets }) => {
			const type = "text/event-stream; charset=utf-8";
			if (request.method === "HEAD") return answer(200, type, null);
			const cut = () => server.timeout(request, 1);
			const body = feed.open({ snapshots: /[?&]snapshots=1(&|$)/.test(request.url), secrets, cut });
			if (!body) return plain(503, "Too many clients read the events: close another page.", { "retry-after": "5" });
			// Bun would end a response of this age, however much it sends.
			server.timeout(request, 0);
			return answer(200, type, body);
		},
	};
}

/** The value of `?token=` in a request's address, which need not be a URL. */
function tokenIn(address: string): string | undefined {
	const text = /[?&]token=([^&#]*)/.exec(address)?.[1];
	try {
		return text === undefined ? undefined : decodeURIComponent(text);
	} catch {
		return "";
	}
}
