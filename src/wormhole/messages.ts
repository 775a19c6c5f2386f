// What the mailbox server and the other side may say, from text to types, bounded before it is looked at.
// Called by machine.ts and mailbox.ts; calls nothing. "Mailbox server messages" and "Payload" in PROTOCOL.md.
import { printable } from "../base/printable.ts";
import { MAILBOX_MESSAGE_MAX, MAILBOX_NAME_MAX, PAYLOAD_MAX } from "./limits.ts";

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

/** How the server lets us in: "hashcash" is work, "unknown" is what this client cannot do. */
export type Permission =
	| { method: "none" }
	| { method: "hashcash"; bits: number; resource: string }
	| { method: "unknown"; names: string };

/** Server → client, as far as it matters here. */
export type ServerMessage =
	| { type: "welcome"; motd?: string; error?: string; permission: Permission }
	| { type: "allocated"; nameplate: string }
	| { type: "claimed"; mailbox: string }
	| { type: "message"; side: string; phase: string; body: string }
	| { type: "released" | "closed" }
	| { type: "pong"; pong: number }
	| { type: "error"; error: string }
	/** Says something that no working server says. */
	| { type: "malformed"; why: string };

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

/** The pake phase: hex of `{"pake_v1":"<hex>"}`. */
export function pakeBody(message: Uint8Array): string {
	return Buffer.from(JSON.stringify({ pake_v1: message.toHex() })).toHex();
}

/** The hex in a pake phase, or undefined. */
export function parsePake(bytes: Uint8Array | undefined): string | undefined {
	const pake = bytes && parseObject(bytes, PAYLOAD_MAX)?.pake_v1;
	return typeof pake === "string" ? pake : undefined;
}

/** Whether the other side is a plain text client (Python, Go): its `app_versions` is empty. Undefined: not readable. */
export function parseVersion(plaintext: Uint8Array): { textClient: boolean } | undefined {
	const json = parseObject(plaintext, PAYLOAD_MAX);
	if (!json) return undefined;
	const versions = json.app_versions;
	return { textClient: !isObject(versions) || Object.keys(versions).length === 0 };
}

/** The ticket in a hub's phase 0, whether it came as a text client's offer, or why there is none. */
export function parsePayload(plaintext: Uint8Array): { ticket: string; asOffer: boolean } | { why: string } {
	if (plaintext.length > PAYLOAD_MAX) return { why: `more than ${PAYLOAD_MAX} bytes instead of a ticket` };
	const text = new TextDecoder().decode(plaintext).trim();
	if (text.startsWith("endpoint")) return { ticket: text, asOffer: false };
	const json = parseObject(text, PAYLOAD_MAX);
	if (typeof json?.error === "string") return { why: `an error instead of a ticket: ${printable(json.error)}` };
	const message = isObject(json?.offer) ? json.offer.message : undefined;
	if (typeof message !== "string") return { why: json ? "an offer that is no ticket (a file?)" : "no ticket" };
	const ticket = message.trim();
	return ticket.startsWith("endpoint") ? { ticket, asOffer: true } : { why: "a text that is no ticket" };
}

/** A text client's answer to our offer; undefined for what may come before it. */
export function parseAnswer(plaintext: Uint8Array): "ok" | { why: string } | undefined {
	const json = parseObject(plaintext, PAYLOAD_MAX);
	if (typeof json?.error === "string") return { why: printable(json.error) };
	const answer = isObject(json?.answer) ? json.answer.message_ack : undefined;
	return answer === undefined ? undefined : answer === "ok" ? "ok" : { why: printable(JSON.stringify(answer)) };
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
	return { type: "malformed", why: `'${type}' without what belongs to it` };
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
		if (
			Number.isInteger(bits) &&
			(bits as number) >= 0 &&
			typeof resource === "string" &&
			/^[^:\s]{1,200}$/.test(resource)
		) {
			return { method: "hashcash", bits: bits as number, resource };
		}
	}
	return { method: "unknown", names: printable(Object.keys(methods).join(", ")) || "something unreadable" };
}
