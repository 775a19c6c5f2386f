// One service stream at the hub: dial the service, answer, bridge. Called by hub.ts; calls socket, drain.
import { type Address, formatAddress } from "../base/address.ts";
import { firstLine } from "../base/errors.ts";
import { log } from "../base/output.ts";
import type { Duplex } from "../forward/duplex.ts";
import { dial } from "../forward/tcp.ts";
import type { Transfers } from "../forward/transfers.ts";
import { SERVICES } from "../protocol/services.ts";
import type { QuicStream } from "../transport/stream.ts";
import { DIAL_MS } from "./limits.ts";
import type { ServiceHealth } from "./service-health.ts";

export interface Serving {
	/** Where the services of {@link SERVICES} are, in that order. */
	addresses: readonly Address[];
	health: ServiceHealth;
	transfers: Transfers;
	stopping(): boolean;
	/** True at most once a second for each key. */
	report(key: string): boolean;
}

/** Never rejects: whatever happens to one stream, the others go on. */
export async function serve(
	serving: Serving,
	portId: number | undefined,
	stream: QuicStream,
	from: string,
): Promise<void> {
	const index = SERVICES.findIndex((service) => service.portId === portId);
	const service = SERVICES[index];
	const address = serving.addresses[index];
	if (serving.stopping()) return stream.refuse();
	if (!service || !address) {
		const why = portId === undefined ? "no valid header" : `unknown port id ${portId}`;
		if (serving.report(from)) log.warn(`Refused a stream of ${from}: ${why}.`);
		return stream.refuse();
	}
	let socket: Duplex;
	const begun = performance.now();
	try {
		socket = await dial(address, DIAL_MS);
	} catch (error) {
		serving.health.learned(index, false, begun);
		const text = `The ${service.name} is not running at ${formatAddress(address)}: ${firstLine(error)} (asked for by ${from}).`;
		if (serving.health.isNews(index)) log.error(text);
		else if (serving.report(service.name)) log.info(text);
		return stream.refuse();
	}
	serving.health.learned(index, true, begun);
	try {
		await stream.accept();
	} catch {
		stream.abort();
		return socket.abort();
	}
	const { traffic, error } = await serving.transfers.run(stream, socket);
	log.debug(
		`${service.name} for ${from}: ${traffic.forth} bytes in, ${traffic.back} out, ${error ? firstLine(error) : "closed"}`,
	);
}
