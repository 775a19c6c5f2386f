// Turns a peer's events into lines: results on stdout, messages and logs on stderr. The only file of this folder that
// prints.
import { type Address, formatAddress } from "../base/address.ts";
import { firstLine, unexpected } from "../base/errors.ts";
import { box, log, notice, print, waitingFor } from "../base/output.ts";
import { RateLimiter } from "../base/rate-limiter.ts";
import { ORIGINAL_SERVICES, serviceNoun } from "../protocol/services.ts";
import { REPORT_EVERY_MS } from "../transport/limits.ts";
import { pathText } from "../transport/path-watch.ts";
import { type EmitPeerEvent, lossText, type PeerEvent, RUNNING_TRANSFERS } from "./events.ts";
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
		ready: ({ name, addresses }) => {
			print(ready(name, addresses));
			sayFailed();
		},
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
			const when = why === "no_stream" ? "no_outage" : outage.add(service);
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

function ready(name: string, addresses: readonly Address[]): string {
	const width = Math.max(...ORIGINAL_SERVICES.map(({ name }) => name.length)) + 2;
	const lines = ORIGINAL_SERVICES.map(
		({ name, scheme }, i) => `  ${name.padEnd(width)}${scheme}://${formatAddress(addresses[i] as Address)}`,
	);
	return `${box(`Peer '${name}' connected to hub`)}

Local services available at:
${lines.join("\n")}

Press Ctrl+C to stop.
`;
}
