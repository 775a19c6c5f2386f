// The lines that a hub's events are told in, and where each goes. Pure: reporter.ts prints them.

import { formatAddress } from "../base/address.ts";
import { columns } from "../base/columns.ts";
import { firstLine, unexpected } from "../base/errors.ts";
import { box, panel } from "../base/output.ts";
import { ownerName } from "../base/port-owner.ts";
import type { DenialReason } from "../protocol/control-messages.ts";
import { serviceNoun } from "../protocol/services.ts";
import { joinCommand } from "../status/join-command.ts";
import { pathText } from "../transport/path-watch.ts";
import type { HubEvent, ListedService, PeerLabel, StreamRefusal } from "./events.ts";
import { UNANSWERED_MAX } from "./limits.ts";

export interface Line {
	/** A result, a message, or a log line of this level. */
	to: "result" | "message" | "error" | "warn" | "info" | "debug";
	text: string;
	/** Only the first line in a second of each key is shown. */
	key?: string;
}

const line = (to: Line["to"], text: string, key?: string): Line[] => [{ to, text, ...(key !== undefined && { key }) }];

type Event<T extends HubEvent["type"]> = Extract<HubEvent, { type: T }>;

/** The command that joins with a code. */
export const joinCommandOf = ({ code, mailbox }: Event<"code">): string | undefined =>
	joinCommand({ code: { code, ...(mailbox !== undefined && { mailbox }) } });

/** An event as lines; none for a wait. */
export function linesOf(event: HubEvent): Line[] {
	return event.type === "waiting" ? [] : (LINES[event.type] as (event: HubEvent) => Line[])(event);
}

// --- internal ---

const LINES: { [T in Exclude<HubEvent["type"], "waiting">]: (event: Event<T>) => Line[] } = {
	no_relay: () =>
		line("message", "No relay answers: only peers that reach this machine directly can join (same machine, LAN, VPN)."),
	ready: ({ name, ticket, codes, services }) =>
		line(
			"result",
			`${box(codes ? `Hub '${name}' starting with Magic Wormhole` : `Hub '${name}' is running`)}

${table(services)}

Ticket: ${ticket}

To connect, run:
  ${joinCommand({ ticket })}
`,
		),
	attempt_failed: ({ reason }) => line("warn", `A connection attempt failed: ${reason}`, "attempts"),
	endpoint_restarting: () => line("error", "The network endpoint ended by itself. Restarting it …"),
	endpoint_moved: ({ from, to }) =>
		line(
			"error",
			`The UDP address ${from.join(" and ")} has not become free: using ${to.join(" and ")}. Peers come back through the relay; for those without one, restart the hub.`,
		),
	endpoint_bind_failed: ({ reason }) => line("error", `${reason} Retrying …`),
	relay_lost: ({ afterMs }) =>
		line(
			"message",
			`No relay for ${afterMs / 1000} s: restarting the network endpoint. Peers reconnect by themselves.`,
		),
	relay_returned: () =>
		line(
			"message",
			"The relay is back, but does not lead here: restarting the network endpoint. Peers reconnect by themselves.",
		),
	relay_probe_failed: ({ reason }) => line("debug", `Cannot check whether the relay leads here: ${reason}`),
	connection_evicted({ peer, why }) {
		const which = why === "peer" ? `connections of ${short(peer)}` : "connections without a hello";
		return line("warn", `Too many ${which}: closed one.`, "too many connections");
	},
	peer_joined: ({ peer, path }) => line("message", `Peer ${label(peer)} connected (${pathText(path)}).`),
	// A second connection of the same peer is not a second peer.
	connection_joined: ({ peer, path }) => line("info", `Peer ${label(peer)} connected (${pathText(path)}).`),
	path({ peer, change, path }) {
		const text = pathText(path);
		// A NAT may change the port every minute.
		if (change === "address") return line("info", `Peer ${label(peer)} has another address (${text}).`);
		const how = path.kind === "direct" ? "directly" : "through a relay";
		return line("message", `Peer ${label(peer)} is now connected ${how} (${text}).`);
	},
	peer_left: ({ peer, reason }) => line("message", `Peer ${label(peer)} left: ${reason}.`),
	connection_left: ({ peer, reason }) => line("debug", `A connection of ${label(peer)} ended: ${reason}.`),
	// A peer that knew the secret was invited, so its denial is shown; strangers are only logged.
	denied: ({ peer, reason, message }) =>
		line(INVITED.has(reason) ? "message" : "warn", `Denied ${label(peer)}: ${message}.`, `denied: ${reason}`),
	closed_to_new_peers({ why }) {
		const text = why === "once" ? "One peer has joined" : "The invitation has expired";
		return line("message", `${text}: nobody else is admitted, by ticket or join code.`);
	},
	stream_refused: (event) => line("warn", refusalText(event), keyOf(event)),
	protocol_error: (event) => line("warn", `${label(event.peer)} broke the protocol: ${event.reason}.`, keyOf(event)),
	service_unreachable({ service, address, kind, reason, peer, news, elsewhere }) {
		const by = `(asked for by ${label(peer)})`;
		if (kind === "descriptors")
			return line(
				"error",
				`Cannot connect to the ${serviceNoun(service)}: ${reason} ${by}. Raise the limit: ulimit -n.`,
				kind,
			);
		const who = elsewhere
			? ` But ${ownerName(elsewhere)} listens at ${formatAddress(elsewhere.address)}: if that is the ${serviceNoun(service)}, share that address.`
			: "";
		const text = `The ${serviceNoun(service)} is not running at ${address}: ${reason} ${by}.${who}`;
		return news ? line("error", text) : line("info", text, service);
	},
	// That it went down is told with the connection that found it out.
	service: ({ service, up }) => (up ? line("message", `The ${serviceNoun(service)} is running again.`) : []),
	service_address: ({ service, stated, used }) =>
		line(
			"message",
			used === stated
				? `The ${serviceNoun(service)} answers at ${stated} again.`
				: `The ${serviceNoun(service)} answers at ${used}, not at ${stated}: using it.`,
		),
	loop({ service, address, owner, peer, news }) {
		const text = `The ${serviceNoun(service)} at ${address} is the local port of the peer ${label(owner)} on this machine: a connection would go round in circles (asked for by ${label(peer)}). Share the address where the ${serviceNoun(service)} really runs, or give that peer another port: join --bind ${service}=0.`;
		return news ? line("error", text) : line("info", text, service);
	},
	unanswered: ({ service, address, peer }) =>
		line(
			"error",
			`Refused a connection to the ${serviceNoun(service)} for ${label(peer)}: ${UNANSWERED_MAX} are open that ${address} has not answered with a byte. Probably they go round in circles, because a peer of another hub listens there: look for a 'join' on that port.`,
			`unanswered: ${service}`,
		),
	stream_closed: ({ service, peer, received, sent, error = "closed" }) =>
		line("debug", `${service} for ${label(peer)}: ${received} bytes in, ${sent} out, ${error}`),
	transfers_reset({ count }) {
		const connections = count === 1 ? "connection" : "connections";
		return line("warn", `Reset ${count} half-closed ${connections} that moved nothing for half an hour.`);
	},
	stopping: () => [],
	bug: ({ where, error }) => [
		...line("error", unexpected(firstLine(error)), "bug"),
		...line("debug", `It ended one ${where}: ${(error as Error | undefined)?.stack ?? error}`),
	],

	// --- join codes ---

	code: (event) => [
		...(event.unused ? line("message", "The peer that took the ticket has not joined. Another code:") : []),
		...line(
			"result",
			`${panel(`Join code: ${event.code}`)}
Waiting for peer to connect...

  ${joinCommandOf(event)}
`,
		),
	],
	code_taken: ({ doubt }) => [
		...line("result", "✓ Peer connected and received ticket"),
		...(doubt === undefined
			? []
			: line("message", `It proved the code, but did not say that it has read the ticket: ${doubt}.`)),
	],
	wrong_code: ({ waitMs, reason }) =>
		line(
			"message",
			`Somebody tried a wrong code, or interfered${reason === undefined ? "" : ` (${reason})`}. That code is dead; the next one follows${afterPause(waitMs)}.`,
		),
	code_spoiled: ({ reason, waitMs }) =>
		line("message", `The code is dead: ${reason}. The next one follows${afterPause(waitMs)}.`),
	mailbox_unreachable({ url, reason, proxy, hint }) {
		const through = proxy ? ` through the proxy ${proxy}` : "";
		const text = `The mailbox server ${url} cannot be reached${through}: ${reason}. Join codes do not work for now, but the ticket does.`;
		return line("message", [text, hint, "Trying again …"].filter((part) => part !== undefined).join(" "));
	},
	mailbox_says: ({ text }) => line("message", `The mailbox server says: ${text}`),
	codes_ended: ({ reason, hint }) =>
		line(
			"error",
			[reason, hint, "Peers can still join with the ticket."].filter((text) => text !== undefined).join(" "),
		),
};

/** One line for each service, in columns: its name, where it is, and whether it runs, as far as that is known. */
const table = (services: readonly ListedService[]): string =>
	columns(services.map(({ name, scheme, address, up }) => [name, `${scheme}://${address}`, upText(up)]))
		.map((row) => `  ${row}`)
		.join("\n");

const upText = (up: boolean | undefined): string => (up === undefined ? "" : up ? "up" : "down");

const afterPause = (waitMs: number): string =>
	waitMs > 0 ? ` in ${Math.ceil(waitMs / 1000)} s, as this was not the first time` : "";

/** Reasons that only a peer that knew the secret is given. */
const INVITED: ReadonlySet<string> = new Set<DenialReason>(["id", "full", "once", "expired"]);

const short = ({ id }: PeerLabel): string => id.slice(0, 10);

/** "'my-peer' (1a2b3c4d5e)", or only the id. A name cannot close its quotes and pose as something else. */
const label = (peer: PeerLabel): string =>
	peer.name === undefined ? short(peer) : `'${peer.name.replaceAll("'", "’")}' (${short(peer)})`;

/** Each admitted peer is limited by itself, all others together. */
const keyOf = ({ peer, admitted }: { peer: PeerLabel; admitted: boolean }): string =>
	admitted ? label(peer) : "strangers";

function refusalText(event: { peer: PeerLabel } & StreamRefusal): string {
	const stream = `a stream of ${label(event.peer)}`;
	switch (event.why) {
		case "early":
			return `Reset ${stream}: too many before its welcome.`;
		case "unwelcomed":
			return `Refused ${stream}: it has not been welcomed.`;
		case "quota":
			return `Refused ${stream}: too many streams.`;
		case "header":
			return `Refused ${stream}: no valid header.`;
		case "port":
			return `Refused ${stream}: unknown port id ${event.portId}.`;
	}
}
