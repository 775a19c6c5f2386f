// The local port of one service. `localhost` is two addresses, and a client may take either of them: both are opened, or
// none, so that no other program answers at the other one.
import { type Address, formatAddress, isLocalhost, parseAddress } from "../base/address.ts";
import { firstLine, HivemindError, LISTEN_REASONS, systemCode } from "../base/errors.ts";
import { listenersOn, ownerName, type PortOwner } from "../base/port-owner.ts";
import type { Duplex } from "../forward/duplex.ts";
import { type Listener, listen } from "../forward/tcp.ts";
import type { OriginalService } from "../protocol/services.ts";
import { FREE_PORT_TRIES } from "./limits.ts";

export interface LocalPort {
	/** The address to show: the one that was asked for, with its real port. */
	readonly address: Address;
	/** One listener, or one for each family of `localhost`, in the order of {@link LOOPBACK}. */
	readonly listeners: readonly Listener[];
}

/**
 * Listens for a service; without `asked`, at its default port on both loopback addresses, as for `localhost`. Where the
 * machine has no ::1, on 127.0.0.1 only.
 * @throws HivemindError `listen`, naming the program that has the port, if it is known. Then nothing is left open.
 */
export function openPort(
	service: OriginalService,
	asked: Address | undefined,
	onSocket: (socket: Duplex, address: Address) => void,
): LocalPort {
	const wanted = asked ?? parseAddress(service.defaultAddress, service.name);
	const { host, port } = wanted;
	const both = !asked || isLocalhost(host);
	// Called for each socket, so after `shown` is known.
	const open = (at: Address): Listener => {
		try {
			return listen(at, (socket) => onSocket(socket, shown));
		} catch (cause) {
			throw failure(service, at, both, cause);
		}
	};
	if (both) refuseTaken(service, port);
	const listeners = both ? openBoth(port, open) : [open(wanted)];
	const shown = { host, port: (listeners[0] as Listener).address.port };
	return { address: shown, listeners };
}

// --- internal ---

/** What `localhost` means. */
const LOOPBACK = ["127.0.0.1", "::1"] as const;

/** The machine has no ::1, or no IPv6 at all; of the latter Bun makes an error without a code. */
const NO_IPV6: ReadonlySet<string> = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT", ""]);

/** The same port on both loopback addresses; port 0 is one that both have. */
function openBoth(port: number, open: (at: Address) => Listener): Listener[] {
	for (let tries = 1; ; tries++) {
		const first = open({ host: LOOPBACK[0], port });
		try {
			return [first, open({ host: LOOPBACK[1], port: first.address.port })];
		} catch (error) {
			const code = systemCode((error as HivemindError).cause);
			if (NO_IPV6.has(code)) return [first];
			first.stop();
			if (port !== 0 || code !== "EADDRINUSE" || tries === FREE_PORT_TRIES) throw error;
		}
	}
}

/** On macOS a loopback address can be opened beside another program's listener on every address. @throws HivemindError */
function refuseTaken(service: OriginalService, port: number): void {
	const owners = port === 0 ? [] : (listenersOn(port) ?? []);
	for (const host of LOOPBACK) {
		const owner = ownerOf(host, owners);
		if (owner) throw taken(service, { host, port }, true, owner);
	}
}

function failure(service: OriginalService, at: Address, both: boolean, cause: unknown): HivemindError {
	const code = systemCode(cause);
	const owners = code === "EADDRINUSE" ? (listenersOn(at.port) ?? []) : [];
	// A listener on :: may have 127.0.0.1, too.
	const owner = ownerOf(at.host, owners) ?? ownerOf("::", owners);
	if (owner) return taken(service, at, both, owner, cause);
	const hint = `Choose ${another(service)}`;
	return new HivemindError("listen", `${cannotListen(service, at)}: ${LISTEN_REASONS[code] ?? firstLine(cause)}.`, {
		hint,
		cause,
	});
}

/** Who listens on this very address, or else on every one of its family. */
function ownerOf(host: string, owners: readonly PortOwner[]): PortOwner | undefined {
	const every = host.includes(":") ? "::" : "0.0.0.0";
	return owners.find(({ address }) => address.host === host) ?? owners.find(({ address }) => address.host === every);
}

function taken(service: OriginalService, at: Address, both: boolean, owner: PortOwner, cause?: unknown): HivemindError {
	const where = owner.address.host === at.host ? "there" : `on ${formatAddress(owner.address)}`;
	if (owner.pid === process.pid) {
		const hint = `Choose ${another(service)}`;
		return new HivemindError("listen", `${cannotListen(service, at)}: this program listens ${where} already.`, {
			hint,
		});
	}
	const either = both ? `, and a browser's localhost:${at.port} may go to either` : "";
	return new HivemindError("listen", `${cannotListen(service, at)}: ${ownerName(owner)} listens ${where}${either}.`, {
		hint: `Stop it, or choose ${another(service)}`,
		cause,
	});
}

const cannotListen = ({ name }: OriginalService, at: Address): string =>
	`Cannot listen on ${formatAddress(at)} for the ${name}`;

const another = ({ option }: OriginalService): string => `another address with --${option}; port 0 takes a free one.`;
