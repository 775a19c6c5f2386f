// A peer from its start to its end: local ports, a ticket, a way to the hub that comes back by itself. Nothing of it is
// left when runPeer() has ended.
import { type ErrorCode, HivemindError } from "../base/errors.ts";
import { wasInterrupted } from "../base/interrupt.ts";
import { aborted } from "../base/timers.ts";
import { type RedeemOptions, redeemCode } from "../invite/redeem-code.ts";
import { parseTicket, type Ticket } from "../invite/ticket.ts";
import { bindEndpoint, type EndpointOptions } from "../transport/endpoint.ts";
import { type EmitPeerEvent, type PeerView, RUNNING_TRANSFERS } from "./events.ts";
import { HubFollower } from "./hub-follower.ts";
import type { HubInfo } from "./hub-session.ts";
import { LocalConnections } from "./local-connections.ts";
import { LocalPorts } from "./local-ports.ts";
import type { PortChoices } from "./port-choices.ts";
import { Uplink } from "./uplink.ts";

export interface PeerOptions {
	name: string;
	/** What the hub gave us: its ticket, or a join code for it. */
	invitation: { ticket: string } | ({ code: string } & RedeemOptions);
	/** Which services are wanted, and at which local ports. */
	ports: PortChoices;
	endpoint: EndpointOptions;
	/** Whether streams may be compressed: see Introduction. */
	compress?: boolean;
	/** False: the first loss of the hub is the end. True when not given. */
	reconnect?: boolean;
	/** The peer's key for the hub with this public id, if `endpoint` has none. Called once the ticket is known. */
	keyFor?: (hub: string) => Uint8Array;
	/** Called when the ticket is known, before anything is connected: what is known of the running peer at any moment. */
	onStart?: (view: PeerView) => void;
	/** Called once, when the hub has admitted the peer and the local ports forward to it. Must not reject. */
	onWelcome?: (ticket: Ticket, hub: HubInfo) => Promise<void>;
}

/**
 * Runs a peer until `stop` is aborted, then lets running transfers finish, unless `cut` is aborted.
 * @throws HivemindError `ticket`, `code`, `nobody`, `mailbox`, `listen`, `bind`, `unreachable`, `alpn`, `addon`,
 * `denied`, `usage` when the hub has nothing of what was named, or `lost` when it has gone and is not to be looked for
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
	const connections = new LocalConnections(emit);
	const ports = new LocalPorts(options.ports, (port, socket) => connections.take(port, socket));
	// A process that ends must not look like a clean end to a client that waits for more.
	const abortAll = () => connections.abortAll();
	process.on("exit", abortAll);
	cut.addEventListener("abort", abortAll);
	try {
		// Before anything is connected: a busy port must not cost a join code, or leave a dead connection at the hub.
		ports.openEarly();
		const found = ticket ?? (await redeemed(invitation, emit, stop));
		if (!found || stop.aborted) return;
		try {
			await connected(options, found, { ports, connections }, emit, stop);
		} catch (error) {
			throw ticket ? error : codeUsed(error);
		}
	} finally {
		ports.close();
		connections.close();
		connections.abortAll();
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

/** What ends a peer that has redeemed its code: who follows the advice needs another one, and has to be told. */
function codeUsed(error: unknown): unknown {
	if (!(error instanceof HivemindError) || !RETRIED.has(error.code)) return error;
	const hint = [error.hint, "The join code is used up: ask for another one."].filter(Boolean).join(" ");
	return new HivemindError(error.code, error.message, { hint, cause: error });
}

/** Errors after which the same command line is changed and tried again. The others say themselves what is needed. */
const RETRIED: ReadonlySet<ErrorCode> = new Set(["usage", "listen", "bind", "unreachable", "alpn"]);

interface Local {
	ports: LocalPorts;
	connections: LocalConnections;
}

/** From the first packet to the hub to the last one. */
async function connected(
	options: PeerOptions,
	ticket: Ticket,
	{ ports, connections }: Local,
	emit: EmitPeerEvent,
	stop: AbortSignal,
): Promise<void> {
	const { name, ports: choices, endpoint: endpointOptions, reconnect = true, keyFor, onWelcome, onStart } = options;
	const { compress = true } = options;
	const key = keyFor?.(ticket.address.id().toString());
	const endpoint = await bindEndpoint({ ...(key && { key }), ...endpointOptions });
	const follower = new HubFollower({ ports, choices, status: connections.status, emit });
	let hub: HubInfo = { name: undefined, lasting: undefined };
	const uplink = new Uplink({
		endpoint,
		hub: ticket.address,
		introduction: { name, secret: ticket.secret, compress, listening: () => ports.addresses() },
		reconnect,
		emit,
		onServices: (session) => {
			hub = session;
			follower.heard(session.services, session.name);
			uplink.tellListening();
		},
	});
	onStart?.({
		id: endpoint.address().id().toString(),
		hubId: ticket.address.id().toString(),
		services: () => ports.services(),
		hub: () => uplink.session && { name: uplink.session.name, ...uplink.session.wayNow() },
		meter: connections.meter,
	});
	const stopped = aborted(stop);
	const failed = Promise.race([follower.failed, uplink.failed]);
	failed.catch(() => {});
	try {
		emit({ type: "waiting", what: "the hub" });
		await Promise.race([uplink.connect(), follower.failed, stopped]).finally(() => emit({ type: "waited" }));
		if (stop.aborted) return;
		connections.connect(uplink);
		try {
			// First, because after Ctrl+C a question rejects, too.
			const services = await Promise.race([stopped, follower.settle(), failed]);
			if (!services) return;
			uplink.tellListening();
			emit({ type: "ready", name, hub: hub.name, services });
			connections.status.startReporting();
			await onWelcome?.(ticket, hub);
			await Promise.race([failed, stopped]);
		} finally {
			ports.close();
			await finish(uplink, connections, emit, wasInterrupted(stop));
		}
	} finally {
		await Promise.all([uplink.close(), endpoint.close()]);
	}
}

/** Lets running transfers finish, unless the hub answers no more: then nothing of them is to be expected. */
async function finish(
	uplink: Uplink,
	connections: LocalConnections,
	emit: EmitPeerEvent,
	interrupted: boolean,
): Promise<void> {
	emit({ type: "stopping", interrupted });
	uplink.bye();
	if (!uplink.alive()) return connections.close();
	emit({ type: "waiting", what: RUNNING_TRANSFERS });
	await connections.stop();
	emit({ type: "waited" });
}
