// Turns a peer's events into lines: results on stdout, messages and logs on stderr. The only file of this folder that
// prints.
import { formatAddress } from "../base/address.ts";
import { firstLine, unexpected } from "../base/errors.ts";
import { arrow, box, log, notice, print, waitingFor } from "../base/output.ts";
import { ownerName } from "../base/port-owner.ts";
import { RateLimiter } from "../base/rate-limiter.ts";
import { serviceNoun } from "../protocol/services.ts";
import { REPORT_EVERY_MS } from "../transport/limits.ts";
import { pathText } from "../transport/path-watch.ts";
import {
	type EmitPeerEvent,
	type LocalService,
	lossText,
	type PeerEvent,
	type PortReplacement,
	RUNNING_TRANSFERS,
	unknownText,
} from "./events.ts";
import { OutageCount } from "./failed-connections.ts";

/** Prints the events of one peer. What a client may cause many times a second is printed at most once a second. */
export function peerReporter(): EmitPeerEvent {
	const rate = new RateLimiter({ burst: 1, everyMs: REPORT_EVERY_MS });
	const outage = new OutageCount();
	/** An outage is over, or nobody will see its end. */
	const sayFailed = () => {
		const text = outage.end();
		if (text) notice(text);
	};
	let interrupted = false;
	let wait: ReturnType<typeof waitingFor> | undefined;
	const lines: { [T in PeerEvent["type"]]: (event: Extract<PeerEvent, { type: T }>) => void } = {
		waiting: ({ what }) => {
			const text = interrupted && what === RUNNING_TRANSFERS ? `${what}; Ctrl+C again stops at once` : what;
			if (wait) wait.change(text);
			else wait = waitingFor(text);
		},
		waited: () => {
			wait?.end();
			wait = undefined;
		},
		motd: ({ text }) => notice(`The mailbox server says: ${text}`),
		ready: (event) => {
			print(ready(event));
			sayFailed();
		},
		port_replaced: (event) => notice(replaced(event)),
		port_failed: ({ reason }) => log.error(reason),
		unknown_services: ({ names, shared }) => notice(unknownText(names, shared)),
		service_added: ({ service }) => notice(`The hub now shares the ${serviceNoun(service.name)}: ${urlOf(service)}`),
		service_removed: ({ service, local }) =>
			notice(`The hub no longer shares the ${serviceNoun(service)}: ${formatAddress(local)} is closed.`),
		connected: ({ path }) => log.info(`Connected: ${path}`),
		path: ({ change, path }) => {
			const text = pathText(path);
			// A NAT may change the port every minute.
			if (change === "address") return log.info(`The hub has another address (${text}).`);
			const how = path.kind === "direct" ? "is now direct" : "now goes through a relay";
			notice(`The connection to the hub ${how} (${text}).`);
		},
		lost: ({ loss, reconnecting }) => {
			outage.begin();
			// Otherwise it is the error that the peer ends with.
			if (reconnecting) notice(`${lossText(loss)}. Looking for it again …`);
		},
		still_lost: () =>
			notice("Still no hub. If it was restarted without --identity, it has a new ticket: ask for that one."),
		attempt_failed: ({ reason }) => log.debug(`An attempt to reach the hub failed: ${reason}`),
		reconnected: ({ connection, afterMs, path }) => {
			const after = `after ${(afterMs / 1000).toFixed(1)} s`;
			notice(connection === "new" ? `Connected again ${after} (${path}).` : `The hub answers again ${after}.`);
			sayFailed();
		},
		reset: ({ connections, reason }) =>
			notice(`${connections === 1 ? "One connection was" : `${connections} connections were`} reset: ${reason}.`),
		idle_reset: ({ connections }) =>
			log.warn(
				`Reset ${connections} half-closed ${connections === 1 ? "connection" : "connections"} that moved nothing for half an hour.`,
			),
		service: ({ service, up, address }) =>
			notice(up ? `The ${serviceNoun(service)} is running again.` : notRunning(service, address)),
		refused: ({ service, local, state, address, repeated }) => {
			if (state === "up") return log.error(`The hub refused a connection to the ${serviceNoun(service)} (${local}).`);
			const text = `${notRunning(service, address)} A connection to ${local} was refused.`;
			if (repeated) log.info(text);
			else log.error(text);
		},
		connection_failed: ({ service, local, why, reason }) => {
			const when = why === "no_hub" || why === "hub_lost" ? outage.add(service) : "no_outage";
			const said = when === "first" || (when === "no_outage" && rate.take(`failed: ${service}`));
			if (said) log.error(`No connection for the ${serviceNoun(service)} (${local}): ${reason}.`);
		},
		descriptors: ({ state, open, limit }) => {
			if (state === "room") return notice("There is room for new local connections again.");
			log.error(
				`${open.toLocaleString("en")} file descriptors are in use, the limit is ${limit.toLocaleString("en")}: ` +
					"no new local connections until some have ended. Raise it with ulimit -n.",
			);
		},
		connection_ended: ({ service, sent, received, error }) =>
			log.debug(`${service}: ${sent} bytes out, ${received} in, ${error ? firstLine(error) : "closed"}`),
		bug: ({ where, error }) => {
			if (!rate.take(`bug: ${where}`)) return;
			log.error(unexpected(firstLine(error), where));
			if (error instanceof Error) log.debug(`cause: ${error.stack ?? error.message}`);
		},
		stopping: (event) => {
			interrupted = event.interrupted;
			sayFailed();
		},
	};
	return (event) => (lines[event.type] as EmitPeerEvent)(event);
}

// --- internal ---

const notRunning = (service: string, address: string | undefined): string =>
	`The ${serviceNoun(service)} is not running on the hub${address ? ` (${address})` : ""}.`;

function replaced({ service, wanted, local, why, owner }: PortReplacement): string {
	const at = `the ${serviceNoun(service)} is at ${formatAddress(local)} instead.`;
	if (why === "denied")
		return `Port ${wanted.port} may not be opened ${wanted.port < 1024 ? "without root" : "here"}: ${at}`;
	if (owner?.pid === process.pid) return `Port ${wanted.port} is taken by another service of this hub: ${at}`;
	return `Port ${wanted.port} is in use here${owner ? ` by ${ownerName(owner)}` : ""}: ${at}`;
}

function ready({ name, hub, services }: Extract<PeerEvent, { type: "ready" }>): string {
	return `${box(`Peer '${name}' connected to hub${hub === undefined ? "" : ` '${hub}'`}`)}

${services.length > 0 ? table(services, hub) : "It shares nothing just now."}

Press Ctrl+C to stop.
`;
}

const urlOf = ({ scheme, local }: Pick<LocalService, "scheme" | "local">): string =>
	`${scheme}://${formatAddress(local)}`;

/** One line for each service, in columns: its name, its URL here, where the hub has it, and whether it runs. */
function table(services: readonly LocalService[], hub = "hub"): string {
	const rows = services.map(({ name, scheme, local, address, up }) => [
		name,
		urlOf({ scheme, local }),
		`${arrow()} ${hub}${address === undefined ? "" : ` ${address}`}`,
		up === undefined ? "" : up ? "up" : "down",
	]);
	const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => Bun.stringWidth(row[i] ?? ""))));
	const padded = (text: string, i: number) => text + " ".repeat(Math.max(0, (widths[i] ?? 0) - Bun.stringWidth(text)));
	return rows.map((row) => `  ${row.map(padded).join("   ").trimEnd()}`).join("\n");
}
