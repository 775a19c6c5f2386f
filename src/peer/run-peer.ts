// A peer from its start to its end: local ports, a ticket, a way to the hub that comes back by itself. Nothing of it is
// left when runPeer() has ended.
import type { Address } from "../base/address.ts";
import { wasInterrupted } from "../base/interrupt.ts";
import { aborted } from "../base/timers.ts";
import { type RedeemOptions, redeemCode } from "../invite/redeem-code.ts";
import { parseTicket, type Ticket } from "../invite/ticket.ts";
import { ORIGINAL_SERVICES } from "../protocol/services.ts";
import { bindEndpoint, type EndpointOptions } from "../transport/endpoint.ts";
import { type EmitPeerEvent, RUNNING_TRANSFERS } from "./events.ts";
import type { HubInfo } from "./hub-session.ts";
import { Listeners } from "./listeners.ts";
import { Uplink } from "./uplink.ts";

export interface PeerOptions {
	name: string;
	/** What the hub gave us: its ticket, or a join code for it. */
	invitation: { ticket: string } | ({ code: string } & RedeemOptions);
	/** Where to listen for each of {@link ORIGINAL_SERVICES}, in that order; undefined: at its default port of `localhost`. */
	addresses: readonly (Address | undefined)[];
	endpoint: EndpointOptions;
	/** False: the first loss of the hub is the end. True when not given. */
	reconnect?: boolean;
	/** The peer's key for the hub with this public id, if `endpoint` has none. Called once the ticket is known. */
	keyFor?: (hub: string) => Uint8Array;
	/** Called once, when the hub has admitted the peer and the local ports forward to it. Must not reject. */
	onWelcome?: (ticket: Ticket, hub: HubInfo) => Promise<void>;
}

/**
 * Runs a peer until `stop` is aborted, then lets running transfers finish, unless `cut` is aborted.
 * @throws HivemindError `ticket`, `code`, `nobody`, `mailbox`, `listen`, `bind`, `unreachable`, `alpn`, `addon`,
 * `denied`, or `lost` when the hub has gone and it is not to be looked for
 */
export async function runPeer(
	options: PeerOptions,
	emit: EmitPeerEvent,
	stop: AbortSignal,
	cut = new AbortController().signal,
): Promise<void> {
	const { invitation } = options;
	// A bad ticket is reported before a port is opened.
	const ticket = "ticket" in invitation ? await parseTicket(invitation.ticket) : undefined;
	const listeners = new Listeners(emit);
	// A process that ends must not look like a clean end to a client that waits for more.
	const abortAll = () => listeners.abortAll();
	process.on("exit", abortAll);
	cut.addEventListener("abort", abortAll);
	try {
		// Before anything is connected: a busy port must not cost a join code, or leave a dead connection at the hub.
		const addresses = ORIGINAL_SERVICES.map((service, i) => listeners.listen(service, options.addresses[i]));
		const found = ticket ?? (await redeemed(invitation, emit, stop));
		if (found && !stop.aborted) await connected(options, found, { listeners, addresses }, emit, stop);
	} finally {
		listeners.close();
		listeners.abortAll();
		cut.removeEventListener("abort", abortAll);
		process.off("exit", abortAll);
	}
}

// --- internal ---

/** The ticket behind the join code; undefined when the peer was stopped meanwhile. */
async function redeemed(
	invitation: PeerOptions["invitation"],
	emit: EmitPeerEvent,
	stop: AbortSignal,
): Promise<Ticket | undefined> {
	if (!("code" in invitation)) return undefined;
	try {
		return await parseTicket(await redeemCode(invitation.code, invitation, emit, stop));
	} catch (error) {
		if (stop.aborted) return undefined;
		throw error;
	}
}

interface Local {
	listeners: Listeners;
	addresses: readonly Address[];
}

/** From the first packet to the hub to the last one. */
async function connected(
	{ name, endpoint: endpointOptions, reconnect = true, keyFor, onWelcome }: PeerOptions,
	ticket: Ticket,
	{ listeners, addresses }: Local,
	emit: EmitPeerEvent,
	stop: AbortSignal,
): Promise<void> {
	const key = keyFor?.(ticket.address.id().toString());
	const endpoint = await bindEndpoint({ ...(key && { key }), ...endpointOptions });
	const uplink = new Uplink({
		endpoint,
		hub: ticket.address,
		introduction: { name, secret: ticket.secret, listening: listeners.addresses() },
		reconnect,
		emit,
		onServices: (services) => listeners.status.update(services),
	});
	const stopped = aborted(stop);
	try {
		emit({ type: "waiting", what: "the hub" });
		await Promise.race([uplink.connect(), stopped]).finally(() => emit({ type: "waited" }));
		if (stop.aborted) return listeners.close();
		listeners.connect(uplink);
		emit({ type: "ready", name, addresses });
		listeners.status.startReporting();
		await onWelcome?.(ticket, uplink.hub);
		try {
			await Promise.race([uplink.failed, stopped]);
		} finally {
			await finish(uplink, listeners, emit, wasInterrupted(stop));
		}
	} finally {
		await Promise.all([uplink.close(), endpoint.close()]);
	}
}

/** Lets running transfers finish, unless the hub answers no more: then nothing of them is to be expected. */
async function finish(uplink: Uplink, listeners: Listeners, emit: EmitPeerEvent, interrupted: boolean): Promise<void> {
	emit({ type: "stopping", interrupted });
	uplink.bye();
	if (!uplink.alive()) return listeners.close();
	emit({ type: "waiting", what: RUNNING_TRANSFERS });
	await listeners.stop();
	emit({ type: "waited" });
}
