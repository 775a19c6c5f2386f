// The messages between a mailbox client and the mailbox server, from text to types. Nothing is looked at before its
// size is known to be bounded (docs/mailbox-protocol.md, "Messages").
import { printable } from "../base/printable.ts";
import { MAILBOX_MESSAGE_MAX, MAILBOX_NAME_MAX } from "./limits.ts";

/** How a client says it fared, when it closes a mailbox. */
export type Mood = "happy" | "lonely" | "scary" | "errory";

/** Client → server. `body` is hex. */
export type ClientMessage =
	| { type: "submit-permissions"; method: "hashcash"; stamp: string }
	| { type: "bind"; appid: string; side: string }
	| { type: "allocate" }
	| { type: "claim" | "release"; nameplate: string }
	| { type: "open"; mailbox: string }
	| { type: "add"; phase: string; body: string }
	| { type: "close"; mailbox: string; mood: Mood }
	| { type: "ping"; ping: number };

/** What the server requires before `bind`. "unknown" is something that this client cannot provide. */
export type Permission =
	| { method: "none" }
	| { method: "hashcash"; bits: number; resource: string }
	| { method: "unknown"; names: string };

/** Server → client, as far as this client needs it. All text is safe to print. */
export type ServerMessage =
	| { type: "welcome"; motd?: string; error?: string; permission: Permission }
	| { type: "allocated"; nameplate: string }
	| { type: "claimed"; mailbox: string }
	| { type: "message"; side: string; phase: string; body: string }
	| { type: "released" | "closed" }
	| { type: "pong"; pong: number }
	| { type: "error"; error: string }
	/** Something that no working server sends. */
	| { type: "malformed"; why: string };

/** What stands for a message of the server that was not read to its end, as it is longer than any working one. */
export const TOO_LONG: ServerMessage = { type: "malformed", why: "a message that is too long" };

/** One frame, text or binary; undefined for what this client ignores (`ack`, `nameplates`, unknown types). */
export function parseServerMessage(frame: string | Uint8Array): ServerMessage | undefined {
	const json = parseObject(frame, MAILBOX_MESSAGE_MAX);
	if (!json) return { type: "malformed", why: "a message that is too long or not a JSON object" };
	const { type } = json;
	switch (type) {
		case "welcome":
			return parseWelcome(json);
		case "allocated":
			return isNameplate(json.nameplate) ? { type, nameplate: json.nameplate } : malformed(type);
		case "claimed":
			return isName(json.mailbox) ? { type, mailbox: json.mailbox } : malformed(type);
		case "message": {
			const { side, phase, body } = json;
			return isName(side) && isName(phase) && typeof body === "string" ? { type, side, phase, body } : malformed(type);
		}
		case "released":
		case "closed":
			return { type };
		case "pong":
			return typeof json.pong === "number" ? { type, pong: json.pong } : undefined;
		case "error":
			return { type, error: typeof json.error === "string" ? printable(json.error) : "an error without a reason" };
		default:
			return undefined;
	}
}

/** A JSON object of at most `max` bytes, or undefined. `JSON.parse` never makes a prototype of `__proto__`. */
export function parseObject(input: string | Uint8Array, max: number): Record<string, unknown> | undefined {
	if (input.length > max) return undefined;
	try {
		const json: unknown = JSON.parse(typeof input === "string" ? input : new TextDecoder().decode(input));
		return isObject(json) ? json : undefined;
	} catch {
		return undefined;
	}
}

export function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A side, phase or mailbox: short, not empty. */
export function isName(value: unknown): value is string {
	return typeof value === "string" && value !== "" && value.length <= MAILBOX_NAME_MAX;
}

export function isNameplate(value: unknown): value is string {
	return typeof value === "string" && /^[0-9]{1,16}$/.test(value);
}

// --- internal ---

function malformed(type: string): ServerMessage {
	return { type: "malformed", why: `'${type}' with a missing or invalid field` };
}

function parseWelcome(json: Record<string, unknown>): ServerMessage {
	const welcome = isObject(json.welcome) ? json.welcome : {};
	const { motd, error } = welcome;
	return {
		type: "welcome",
		permission: parsePermission(welcome["permission-required"]),
		...(typeof motd === "string" && motd.trim() !== "" && { motd: printable(motd) }),
		...(typeof error === "string" && { error: printable(error) }),
	};
}

/** `{"none": {}}` or `{"hashcash": {bits, resource}}`, one or more of them to choose from. */
function parsePermission(required: unknown): Permission {
	if (required === undefined || required === null) return { method: "none" };
	const methods = isObject(required) ? required : {};
	if ("none" in methods) return { method: "none" };
	const { hashcash } = methods;
	if (isObject(hashcash)) {
		const { bits, resource } = hashcash;
		const usable = typeof bits === "number" && Number.isInteger(bits) && bits >= 0;
		// A colon would end the field of the stamp that the resource goes into.
		if (usable && typeof resource === "string" && /^[^:\s]{1,200}$/.test(resource)) {
			return { method: "hashcash", bits, resource };
		}
	}
	return { method: "unknown", names: printable(Object.keys(methods).join(", ")) || "something unreadable" };
}
