// What the two sides say to each other through a mailbox, from bytes to types: the pake message and the decrypted
// phases. Everything here was chosen by the other side, so it is bounded before it is parsed
// (docs/mailbox-protocol.md, "Payload").
import { printable } from "../../base/printable.ts";
import { isObject, parseObject } from "../messages.ts";
import { PAYLOAD_MAX } from "./limits.ts";

/** The body of the pake phase: hex of `{"pake_v1":"<hex>"}`. */
export function pakeBody(message: Uint8Array): string {
	return Buffer.from(JSON.stringify({ pake_v1: message.toHex() })).toHex();
}

/** The hex in a pake phase, or undefined. */
export function parsePake(bytes: Uint8Array | undefined): string | undefined {
	const pake = bytes && parseObject(bytes, PAYLOAD_MAX)?.pake_v1;
	return typeof pake === "string" ? pake : undefined;
}

/** What the other side is: a "text" client, like those in Python and Go, announces no `app_versions`. */
export type ClientKind = "native" | "text";

/** The kind of client that sent a `version` phase, or undefined when it is not readable. */
export function parseVersion(plaintext: Uint8Array): ClientKind | undefined {
	const json = parseObject(plaintext, PAYLOAD_MAX);
	if (!json) return undefined;
	const versions = json.app_versions;
	return isObject(versions) && Object.keys(versions).length > 0 ? "native" : "text";
}

/** A hub's phase 0 for either kind of client. */
export function ticketPayload(ticket: string, kind: ClientKind): string {
	return kind === "text" ? JSON.stringify({ offer: { message: ticket } }) : ticket;
}

/** The ticket in a hub's phase 0, and whether it came as a text client's offer; or why there is none. */
export function parsePayload(plaintext: Uint8Array): { ticket: string; asOffer: boolean } | { why: string } {
	if (plaintext.length > PAYLOAD_MAX) return { why: `more than ${PAYLOAD_MAX} bytes instead of a ticket` };
	const text = new TextDecoder().decode(plaintext).trim();
	if (text.startsWith("endpoint")) return { ticket: text, asOffer: false };
	const json = parseObject(text, PAYLOAD_MAX);
	if (typeof json?.error === "string") return { why: `an error instead of a ticket: ${printable(json.error)}` };
	const message = isObject(json?.offer) ? json.offer.message : undefined;
	if (typeof message !== "string") return { why: json ? "an offer that is not a ticket (a file?)" : "no ticket" };
	const ticket = message.trim();
	return ticket.startsWith("endpoint") ? { ticket, asOffer: true } : { why: "a text that is not a ticket" };
}

/** What a peer answers to a ticket that came as an offer: text clients wait for it. */
export const ACKNOWLEDGEMENT = JSON.stringify({ answer: { message_ack: "ok" } });

/** A text client's answer to our offer; undefined for what may come before it. */
export function parseAnswer(plaintext: Uint8Array): "ok" | { why: string } | undefined {
	const json = parseObject(plaintext, PAYLOAD_MAX);
	if (typeof json?.error === "string") return { why: printable(json.error) };
	const answer = isObject(json?.answer) ? json.answer.message_ack : undefined;
	return answer === undefined ? undefined : answer === "ok" ? "ok" : { why: printable(JSON.stringify(answer)) };
}
