// One local port. `localhost` is two addresses, and a client may take either of them: both are opened, or none, so that
// no other program answers at the other one.
import { type Address, isLocalhost } from "../base/address.ts";
import { systemCode } from "../base/errors.ts";
import { listenersOn, type PortOwner } from "../base/port-owner.ts";
import type { Duplex } from "../forward/duplex.ts";
import { type Listener, listen } from "../forward/tcp.ts";
import { FREE_PORT_TRIES } from "./limits.ts";
import { LOOPBACK, PortError, takenOf } from "./port-error.ts";

export interface LocalPort {
	/** The address to show, with its real port: `localhost` as it was asked for, if both of its addresses are open. */
	readonly address: Address;
	/** One listener, or one for each family of `localhost`, in the order of {@link LOOPBACK}. */
	readonly listeners: readonly Listener[];
}

/**
 * What has to be known before these ports are opened. On macOS a loopback address can be opened beside another program's
 * listener on every address; on Linux it cannot, and nothing is asked.
 */
export function ownersBefore(ports: readonly number[]): readonly PortOwner[] {
	if (process.platform !== "darwin") return [];
	return listenersOn(...ports.filter((port) => port > 0)) ?? [];
}

/**
 * Listens at an address; at `localhost` on both loopback addresses, or where the machine has no ::1 on 127.0.0.1 only.
 * `known` is what {@link ownersBefore} has said. @throws PortError Then nothing is left open.
 */
export function openPort(
	wanted: Address,
	onSocket: (socket: Duplex) => void,
	known: readonly PortOwner[] = [],
): LocalPort {
	const both = isLocalhost(wanted.host);
	const open = (at: Address): Listener => {
		try {
			return listen(at, onSocket);
		} catch (cause) {
			throw new PortError(wanted, at, { cause });
		}
	};
	const taken = both ? takenOf(wanted, known) : undefined;
	if (taken) throw new PortError(wanted, taken.at, { taken });
	const listeners = both ? openBoth(wanted.port, open) : [open(wanted)];
	const [{ address }] = listeners as [Listener];
	return { address: listeners.length > 1 ? { ...address, host: wanted.host } : address, listeners };
}

// --- internal ---

/** The machine has no ::1, or no IPv6 at all; of the latter Bun makes an error without a code. */
const NO_IPV6: ReadonlySet<string> = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT", ""]);

/** The same port on both loopback addresses; port 0 is one that both have. */
function openBoth(port: number, open: (at: Address) => Listener): Listener[] {
	for (let tries = 1; ; tries++) {
		const first = open({ host: LOOPBACK[0], port });
		try {
			return [first, open({ host: LOOPBACK[1], port: first.address.port })];
		} catch (error) {
			const code = systemCode((error as PortError).cause);
			if (NO_IPV6.has(code)) return [first];
			first.stop();
			if (port !== 0 || code !== "EADDRINUSE" || tries === FREE_PORT_TRIES) throw error;
		}
	}
}
