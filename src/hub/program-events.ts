// A hub's events as programs read them (status/program-events.ts). Pure. What only people are told, and what happens for
// each stream, is no event of its own; what a person has to know is an `error` with the person's text.
import type { ErrorCode } from "../base/errors.ts";
import type { EventPath, ProgramEvent, ReadyService, Remote } from "../status/program-events.ts";
import type { Path } from "../transport/path-watch.ts";
import type { HubEvent, ListedService, PeerLabel } from "./events.ts";
import { linesOf } from "./lines.ts";

/** The event for programs, of the hub with this public id; undefined where there is none. */
export function programEvent(event: HubEvent, id: string): ProgramEvent | undefined {
	switch (event.type) {
		case "ready":
			return {
				event: "ready",
				role: "hub",
				name: event.name,
				ticket: event.ticket,
				id,
				services: event.services.map(readyService),
			};
		case "code":
			return { event: "code", code: event.code, ...(event.mailbox !== undefined && { mailbox: event.mailbox }) };
		case "peer_joined":
			return { event: "peer_joined", peer: remote(event.peer), ...pathOf(event.path) };
		case "peer_left":
			return { event: "peer_left", peer: remote(event.peer), reason: event.reason };
		case "path":
			return { event: "path", peer: remote(event.peer), path: eventPath(event.path) };
		case "service": {
			const { service, up, address } = event;
			return { event: "service", service, up, address };
		}
		case "denied":
			return { event: "denied", peer: remote(event.peer), reason: event.reason, message: event.message };
		case "stopping":
			return { event: "stopping", interrupted: event.interrupted };
		default:
			return errorEvent(event);
	}
}

// --- internal ---

/** What a person has to know, and the name of the kind of error that it is. */
const ERRORS: { [T in HubEvent["type"]]?: ErrorCode } = {
	no_relay: "unreachable",
	relay_lost: "unreachable",
	endpoint_restarting: "bind",
	endpoint_bind_failed: "bind",
	wrong_code: "code",
	code_spoiled: "code",
	mailbox_unreachable: "mailbox",
	codes_ended: "mailbox",
	loop: "listen",
	unanswered: "listen",
	bug: "internal",
};

function errorEvent(event: HubEvent): ProgramEvent | undefined {
	const code = ERRORS[event.type];
	const text = linesOf(event).find(({ to }) => to !== "debug")?.text;
	return code && text !== undefined ? { event: "error", code, message: text, fatal: false } : undefined;
}

const readyService = ({ up, ...service }: ListedService): ReadyService => ({
	...service,
	...(up !== undefined && { up }),
});

function remote({ id, name }: PeerLabel): Remote {
	return { ...(name !== undefined && { name }), id };
}

const eventPath = ({ kind, address }: Path): EventPath => ({ kind, address });

const pathOf = (path: Path | undefined): { path?: EventPath } => (path ? { path: eventPath(path) } : {});
