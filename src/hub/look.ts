// Whether something answers at a service's addresses, found out without being seen where that is possible: on Linux in
// the system's table of listeners, elsewhere by a connection that ends as any client's does, with a FIN.
import type { Address } from "../base/address.ts";
import { listenersOn, listeningOn, type PortOwner } from "../base/port-owner.ts";
import { DialError, noAnswer } from "../forward/dial-error.ts";
import type { Dialer } from "../forward/dialer.ts";
import { attempt } from "../forward/tcp.ts";
import { HEALTH_DIAL_MS } from "./limits.ts";
import { isOwnHost, reaches } from "./own-addresses.ts";

/**
 * How to look. The table may lack a service that answers all the same (one of the Windows host in WSL, one behind a port
 * forwarding of the kernel), so the first look connects to what it lacks: where nobody listens, nobody sees that. Later
 * ones do not, or a service that is just starting might see it.
 */
export type Way = "table" | "table, then connection" | "connection";

/** "unclear": silence and names that are not found say nothing of a service; only a refusal says that it is down. */
export async function look(dialer: Dialer, way: Way): Promise<"up" | "down" | "unclear"> {
	const addresses = await dialer.addresses().catch((error: unknown) => {
		if (error instanceof DialError) return [];
		throw error;
	});
	// Of another machine the table says nothing.
	if (way !== "connection" && addresses.every(({ host }) => isOwnHost(host))) {
		const listening = await listeningOn(dialer.address.port);
		if (listening && isAmong(addresses, listening)) return "up";
		if (listening && way === "table") return "unclear";
	}
	let refused = addresses.length > 0;
	for (const address of addresses) {
		const outcome = await answer(address);
		if (outcome === "up") return "up";
		refused &&= outcome === "down";
	}
	return refused ? "down" : "unclear";
}

/**
 * What the system says of a service that was just dialled in vain: "listening", or who listens on its port at another
 * address of this machine; undefined when nobody does, or nothing is known.
 */
export async function whoListens(dialer: Dialer): Promise<"listening" | PortOwner | undefined> {
	const addresses = dialer.known().filter(({ host }) => isOwnHost(host));
	if (addresses.length === 0) return undefined;
	const { port } = dialer.address;
	const listening = await listeningOn(port);
	if (listening?.length === 0) return undefined;
	if (listening && isAmong(addresses, listening)) return "listening";
	const owners = listenersOn(port) ?? [];
	const elsewhere = owners.filter(({ address }) => !isAmong(addresses, [address]));
	return elsewhere.length < owners.length ? "listening" : elsewhere[0];
}

// --- internal ---

const isAmong = (addresses: readonly Address[], listening: readonly Address[]): boolean =>
	addresses.some((address) => listening.some((listener) => reaches(address, listener)));

async function answer(address: Address): Promise<"up" | "down" | "unclear"> {
	const late = new AbortController();
	const timer = setTimeout(() => late.abort(noAnswer(HEALTH_DIAL_MS)), HEALTH_DIAL_MS);
	try {
		(await attempt(address, late.signal)).release();
		return "up";
	} catch (error) {
		if (!(error instanceof DialError)) throw error;
		return error.kind === "refused" ? "down" : "unclear";
	} finally {
		clearTimeout(timer);
	}
}
