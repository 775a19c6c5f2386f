// One service stream at the hub: dial the service, answer, forward until the end.

import { type Address, formatAddress } from "../base/address.ts";
import { firstLine } from "../base/errors.ts";
import { DialError } from "../forward/dial-error.ts";
import type { Dialer, Dialled } from "../forward/dialer.ts";
import type { Meter } from "../forward/meter.ts";
import type { Transfers } from "../forward/transfers.ts";
import type { Service } from "../protocol/services.ts";
import { FRAMED } from "../protocol/stream-header.ts";
import { dataOf } from "../transport/compressed-duplex.ts";
import type { QuicStream } from "../transport/stream.ts";
import type { HubEvent, PeerLabel } from "./events.ts";
import { DIAL_MS } from "./limits.ts";
import { LoopError } from "./loop-guard.ts";
import type { ServiceHealth } from "./service-health.ts";
import { Unanswered } from "./unanswered.ts";

/** The hub's side of one service. */
export interface Route {
	readonly service: Service;
	readonly dialer: Dialer;
	readonly unanswered: Unanswered;
}

/** The route to a service that a dialer leads along. */
export const routeOf = (service: Service, dialer: Dialer): Route => ({
	service,
	dialer,
	unanswered: new Unanswered(),
});

export interface Serving {
	/** In the order that `health` was given. */
	routes: readonly Route[];
	health: ServiceHealth;
	transfers: Transfers;
	meter: Meter;
	emit(event: HubEvent): void;
}

export interface ServiceRequest {
	/** Undefined when no valid header came in time. */
	portId: number | undefined;
	/** Whether its data may be in frames, as the port id says. */
	frames: boolean;
	stream: QuicStream;
	peer: PeerLabel;
	/** How long the answer may wait for the service's first bytes; 0 for a peer that waits for the answer itself. */
	holdMs: number;
}

/** Resolves when the stream is over. Rejects only for a bug; no socket to the service is left open then. */
export async function serveStream(serving: Serving, asked: ServiceRequest): Promise<void> {
	const { portId, frames, stream, peer, holdMs } = asked;
	const { routes, transfers, meter, emit } = serving;
	const framed = frames && portId !== undefined && portId >= FRAMED;
	const index = routes.findIndex(({ service }) => service.portId === (framed ? portId - FRAMED : portId));
	const route = routes[index];
	if (!route) {
		const refusal = portId === undefined ? ({ why: "header" } as const) : ({ why: "port", portId } as const);
		emit({ type: "stream_refused", peer, admitted: true, ...refusal });
		return stream.refuse();
	}
	const service = route.service.name;
	const request = { service, index, route, stream, peer, begun: performance.now() };
	const dialled = await dial(serving, request);
	if (!dialled) return;
	const { socket, at } = dialled;
	const { traffic, end } = meter.begin(service);
	route.unanswered.opened(traffic);
	try {
		reached(serving, request, at);
		stream.accept(holdMs);
		const { error } = await transfers.run(dataOf(stream, framed), socket, traffic);
		emit({
			type: "stream_closed",
			service,
			peer,
			received: traffic.forth,
			sent: traffic.back,
			...(error && { error: firstLine(error) }),
		});
	} catch (error) {
		socket.abort();
		throw error;
	} finally {
		end();
		route.unanswered.closed(traffic);
	}
}

// --- internal ---

interface Dialling {
	/** The service's name, and its place among the routes. */
	service: string;
	index: number;
	route: Route;
	stream: QuicStream;
	peer: PeerLabel;
	/** `performance.now()` when it began. */
	begun: number;
}

/** A connection to the service; undefined when there is none, and the stream was refused. Rejects only for a bug. */
async function dial(serving: Serving, request: Dialling): Promise<Dialled | undefined> {
	const { service, route, stream, peer } = request;
	const { dialer, unanswered } = route;
	if (unanswered.isFull()) {
		serving.emit({ type: "unanswered", service, address: formatAddress(dialer.address), peer });
		await stream.refuse();
		return undefined;
	}
	try {
		return await dialer.dial(DIAL_MS);
	} catch (error) {
		// Anything else is a mistake in the program.
		if (!(error instanceof DialError)) throw error;
		// In this order: the peer hears that the service is down before it hears that its stream is refused.
		const told = failed(serving, request, error);
		await Promise.all([stream.refuse(), told]);
		return undefined;
	}
}

function reached({ health, emit }: Serving, { service, index, route, begun }: Dialling, at: Address): void {
	health.learned(index, true, begun);
	if (!health.isNewAddress(index, at)) return;
	emit({ type: "service_address", service, stated: formatAddress(route.dialer.address), used: formatAddress(at) });
}

/** Takes note of why there is no connection, and tells it. */
async function failed(serving: Serving, request: Dialling, error: DialError): Promise<void> {
	const { health, emit } = serving;
	const { service, index, route, peer, begun } = request;
	if (error instanceof LoopError) {
		const { owner } = error;
		const address = formatAddress(error.address);
		return emit({ type: "loop", service, address, owner, peer, news: health.isNews(index, `loop at ${address}`) });
	}
	const { kind, message: reason } = error;
	// Without descriptors nobody knows anything about the service.
	const isDown = kind !== "descriptors";
	if (isDown) health.learned(index, false, begun);
	const news = health.isNews(index, isDown ? "down" : kind);
	const elsewhere = news && isDown ? await health.listenerElsewhere(index) : undefined;
	emit({
		type: "service_unreachable",
		service,
		address: formatAddress(route.dialer.address),
		kind,
		reason,
		peer,
		news,
		...(elsewhere && { elsewhere }),
	});
}
