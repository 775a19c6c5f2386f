// One service stream at the hub: dial the service, answer, forward until the end.

import { type Address, formatAddress } from "../base/address.ts";
import { firstLine } from "../base/errors.ts";
import type { Duplex } from "../forward/duplex.ts";
import { dial } from "../forward/tcp.ts";
import type { Transfers } from "../forward/transfers.ts";
import { SERVICES } from "../protocol/services.ts";
import type { QuicStream } from "../transport/stream.ts";
import type { HubEvent, PeerLabel } from "./events.ts";
import { DIAL_MS } from "./limits.ts";
import type { ServiceHealth } from "./service-health.ts";

export interface Serving {
	/** Where the services of {@link SERVICES} are, in that order. */
	addresses: readonly Address[];
	health: ServiceHealth;
	transfers: Transfers;
	emit(event: HubEvent): void;
}

export interface ServiceRequest {
	/** Undefined when no valid header came in time. */
	portId: number | undefined;
	stream: QuicStream;
	peer: PeerLabel;
}

/** Resolves when the stream is over. Rejects only for a bug; no socket to the service is left open then. */
export async function serveStream(
	{ addresses, health, transfers, emit }: Serving,
	{ portId, stream, peer }: ServiceRequest,
): Promise<void> {
	const index = SERVICES.findIndex((service) => service.portId === portId);
	const service = SERVICES[index];
	const address = addresses[index];
	if (!service || !address) {
		const refusal = portId === undefined ? ({ why: "header" } as const) : ({ why: "port", portId } as const);
		emit({ type: "stream_refused", peer, admitted: true, ...refusal });
		return stream.refuse();
	}
	let socket: Duplex;
	const begun = performance.now();
	try {
		socket = await dial(address, DIAL_MS);
	} catch (error) {
		if (isBug(error)) throw error;
		health.learned(index, false, begun);
		emit({
			type: "service_unreachable",
			service: service.name,
			address: formatAddress(address),
			reason: firstLine(error),
			peer,
			news: health.isNews(index),
		});
		return stream.refuse();
	}
	try {
		health.learned(index, true, begun);
		if (!(await accepted(stream))) return socket.abort();
		const { traffic, error } = await transfers.run(stream, socket);
		emit({
			type: "stream_closed",
			service: service.name,
			peer,
			received: traffic.forth,
			sent: traffic.back,
			...(error && { error: firstLine(error) }),
		});
	} catch (error) {
		socket.abort();
		throw error;
	}
}

// --- internal ---

/** A dial that fails rejects with a plain Error, whose message is the reason; these are mistakes in the program. */
const isBug = (error: unknown): boolean =>
	[TypeError, ReferenceError, RangeError].some((kind) => error instanceof kind);

/** Tells the peer that its service is connected; false when it has gone. */
async function accepted(stream: QuicStream): Promise<boolean> {
	try {
		await stream.accept();
		return true;
	} catch {
		stream.abort();
		return false;
	}
}
