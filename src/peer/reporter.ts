// Turns a peer's events into lines: results on stdout, messages and logs on stderr. The only file of this folder that
// prints.
import { formatAddress } from "../base/address.ts";
import { firstLine, unexpected } from "../base/errors.ts";
import { log, notice, print, waitingFor } from "../base/output.ts";
import { RateLimiter } from "../base/rate-limiter.ts";
import { serviceNoun } from "../protocol/services.ts";
import { REPORT_EVERY_MS } from "../transport/limits.ts";
import { pathText } from "../transport/path-watch.ts";
import { type EmitPeerEvent, type PeerEvent, RUNNING_TRANSFERS } from "./events.ts";
import { OutageCount } from "./failed-connections.ts";
import {
	addedText,
	descriptorsText,
	lossText,
	movedText,
	notRunning,
	readyText,
	replacedText,
	stillLostText,
	unknownText,
} from "./texts.ts";

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
			print(readyText(event));
			sayFailed();
		},
		port_replaced: (event) => notice(replacedText(event)),
		port_failed: ({ reason }) => log.error(reason),
		unknown_services: (event) => notice(unknownText(event)),
		service_added: ({ service }) => notice(addedText(service)),
		service_removed: ({ service, local }) =>
			notice(`The hub no longer shares the ${serviceNoun(service)}: ${formatAddress(local)} is closed.`),
		service_moved: (event) => notice(movedText(event)),
		hub_renamed: ({ name }) => notice(`The hub is now called '${name}'.`),
		connected: ({ path }) => log.info(`Connected: ${pathText(path)}`),
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
		still_lost: () => notice(stillLostText),
		attempt_failed: ({ reason }) => log.debug(`An attempt to reach the hub failed: ${reason}`),
		reconnected: ({ connection, afterMs, path }) => {
			const after = `after ${(afterMs / 1000).toFixed(1)} s`;
			notice(
				connection === "new" ? `Connected again ${after} (${pathText(path)}).` : `The hub answers again ${after}.`,
			);
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
		descriptors: (event) => {
			if (event.state === "room") notice("There is room for new local connections again.");
			else log.error(descriptorsText(event));
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
