// What a peer's events mean to a person, as sentences and as the list of services. Pure: reporter.ts prints them.
import { formatAddress } from "../base/address.ts";
import { columns } from "../base/columns.ts";
import { nearest } from "../base/nearest.ts";
import { arrow, box } from "../base/output.ts";
import { ownerName } from "../base/port-owner.ts";
import { originalService, serviceNoun } from "../protocol/services.ts";
import type { LocalService, Loss, PeerEvent, PortReplacement } from "./events.ts";
import type { UnknownServices } from "./port-choices.ts";

/** The loss as a sentence without its full stop. */
export function lossText(loss: Loss): string {
	switch (loss.kind) {
		case "ended":
			return `The hub is gone: ${loss.reason}`;
		case "silent":
			return `The hub has not answered for ${loss.silentMs / 1000} s`;
		case "suspended":
			return `The connection to the hub was lost: this program was suspended for ${(loss.suspendedMs / 1000).toFixed(0)} s`;
	}
}

/** What was named and the hub does not have, what may have been meant, and what it has. */
export function unknownText({ option, names, shared }: UnknownServices): string {
	const originals = option === "--bind" ? names.flatMap((name) => originalService(name)?.option ?? []) : [];
	const options = [option, ...originals.map((original) => `--${original}`)].join(" or ");
	const meant = [...new Set(names.flatMap((name) => nearest(name, shared) ?? []))];
	const question = meant.length > 0 ? ` Did you mean ${quoted(meant)}?` : "";
	return `${options}: the hub does not share ${quoted(names)}.${question} It shares ${shared.join(", ") || "nothing"}.`;
}

export const notRunning = (service: string, address: string | undefined): string =>
	`The ${serviceNoun(service)} is not running on the hub${address ? ` (${address})` : ""}.`;

export function replacedText({ service, wanted, local, why, owner }: PortReplacement): string {
	const at = `the ${serviceNoun(service)} is at ${formatAddress(local)} instead.`;
	if (why === "denied")
		return `Port ${wanted.port} may not be opened ${wanted.port < 1024 ? "without root" : "here"}: ${at}`;
	if (owner?.pid === process.pid) return `Port ${wanted.port} is taken by another service of this hub: ${at}`;
	return `Port ${wanted.port} is in use here${owner ? ` by ${ownerName(owner)}` : ""}: ${at}`;
}

/** One service more, with what the list of services would show of it. */
export function addedText(service: LocalService): string {
	const at = service.address === undefined ? "" : ` ${arrow()} ${service.address}`;
	const down = service.up === false ? " (down)" : "";
	return `The hub now shares the ${serviceNoun(service.name)}: ${urlOf(service)}${at}${down}`;
}

export function movedText({ service, from }: Extract<PeerEvent, { type: "service_moved" }>): string {
	const { name, scheme, address } = service;
	return from.address === address
		? `The ${serviceNoun(name)} is now ${scheme}, not ${from.scheme}: ${urlOf(service)}`
		: `The ${serviceNoun(name)} is now at ${address ?? "another address"} on the hub; here it stays at ${urlOf(service)}`;
}

export function readyText({ name, hub, services }: Extract<PeerEvent, { type: "ready" }>): string {
	return `${box(`Peer '${name}' connected to hub${hub === undefined ? "" : ` '${hub}'`}`)}

${services.length > 0 ? table(services, hub) : "It shares nothing just now."}

Press Ctrl+C to stop.
`;
}

const urlOf = ({ scheme, local }: Pick<LocalService, "scheme" | "local">): string =>
	EVERY.has(local.host) ? `${scheme}://localhost:${local.port} (all addresses)` : `${scheme}://${formatAddress(local)}`;

/** Nothing can be asked for at these. */
const EVERY: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

export const stillLostText =
	"Still no hub. If it was restarted without --identity, it has a new ticket: ask for that one.";

/** Local connections are turned away, because there are no descriptors for them. */
export const descriptorsText = ({ open, limit }: { open: number; limit: number }): string =>
	`${open.toLocaleString("en")} file descriptors are in use, the limit is ${limit.toLocaleString("en")}: ` +
	"no new local connections until some have ended. Raise it with ulimit -n.";

// --- internal ---

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(", ");

/** One line for each service, in columns: its name, its URL here, where the hub has it, and whether it runs. */
function table(services: readonly LocalService[], hub = "hub"): string {
	const rows = services.map(({ name, scheme, local, address, up }) => [
		name,
		urlOf({ scheme, local }),
		`${arrow()} ${hub}${address === undefined ? "" : ` ${address}`}`,
		up === undefined ? "" : up ? "up" : "down",
	]);
	return columns(rows)
		.map((line) => `  ${line}`)
		.join("\n");
}
