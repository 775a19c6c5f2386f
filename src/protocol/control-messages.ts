// The control stream's messages: one JSON object per line (PROTOCOL.md, "The control stream"). Pure: encodes, splits
// and decodes. Every field is bounded and cleaned, because the remote chooses it.
import { REMOTE_TEXT_MAX } from "../base/limits.ts";
import { printable } from "../base/printable.ts";
import { CONTROL_LINE_MAX, LISTENS_MAX, NAME_MAX, SERVICES_MAX } from "./limits.ts";
import { originalService, SCHEMES, type Scheme, SERVICE_NAME } from "./services.ts";

/** The port id that opens a control stream instead of a service. */
export const CONTROL_PORT_ID = 0x00;
export const CONTROL_VERSION = 1;

export interface ServiceState {
	/** The port id on the wire. */
	port: number;
	name: string;
	scheme: Scheme;
	/** Its address on the hub's side, for the peer's messages. */
	address: string;
	up: boolean;
}

/** Why a hub turns a peer away; the `message` beside it is for the user. */
export type DenialReason = "secret" | "id" | "full" | "once" | "expired" | "rate" | "version" | "resume";

/** A peer on a connection with another key: the public id that the hub knows it by, and the token that proves it. */
export interface Resume {
	id: string;
	token: string;
}

export type Message =
	/** `listens`: marks of the addresses that the peer listens on. `zstd`: it takes streams whose data is in frames. */
	| {
			type: "hello";
			v: number;
			name: string;
			program: string;
			secret?: string;
			listens?: string[];
			resume?: Resume;
			zstd?: true;
	  }
	/**
	 * `lasting`: whether the ticket works after a restart of the hub; an older hub does not say. `resume`: the token of this
	 * peer, for a connection with another key. `zstd`: as in the hello, and the peer may open such streams if it has said so.
	 */
	| {
			type: "welcome";
			v: number;
			name: string;
			program: string;
			run?: string;
			lasting?: boolean;
			resume?: string;
			zstd?: true;
			services: ServiceState[];
	  }
	| { type: "denied"; reason: string; message: string }
	| { type: "ping"; n: number }
	| { type: "pong"; n: number }
	| { type: "reset"; stream: string }
	| { type: "bye"; reason: string }
	/** The peer listens at other addresses than its hello has said. */
	| { type: "listens"; listens: string[] }
	| { type: "services"; services: ServiceState[] };

/** The remote broke the protocol. The message becomes the reason that the connection is closed with. */
export class ProtocolError extends Error {}

/** One message as a line of UTF-8. */
export function encodeMessage(message: Message): Uint8Array {
	return new TextEncoder().encode(`${JSON.stringify(message)}\n`);
}

/**
 * The message on a line, its texts cut and cleaned; undefined for a type that only a newer version knows.
 * @throws ProtocolError
 */
export function decodeMessage(line: Uint8Array): Message | undefined {
	let value: unknown;
	try {
		value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(line));
	} catch {
		throw new ProtocolError("a control line is not valid JSON");
	}
	if (typeof value !== "object" || value === null || Array.isArray(value))
		throw new ProtocolError("a control line is not an object");
	const fields = value as Record<string, unknown>;
	const type = fields.type;
	if (typeof type !== "string") throw new ProtocolError("a control message has no type");
	return Object.hasOwn(DECODERS, type) ? DECODERS[type as Message["type"]](fields) : undefined;
}

/** Splits a stream of bytes into lines. @throws ProtocolError for a line over {@link CONTROL_LINE_MAX} bytes */
export class Lines {
	#rest = new Uint8Array(0);

	push(bytes: Uint8Array): Uint8Array[] {
		const all = new Uint8Array(this.#rest.length + bytes.length);
		all.set(this.#rest);
		all.set(bytes, this.#rest.length);
		const lines: Uint8Array[] = [];
		let start = 0;
		for (let end = all.indexOf(NEWLINE); end >= 0; end = all.indexOf(NEWLINE, start)) {
			lines.push(all.subarray(start, end));
			start = end + 1;
		}
		this.#rest = all.slice(start);
		if (this.#rest.length > CONTROL_LINE_MAX || lines.some((line) => line.length > CONTROL_LINE_MAX)) {
			throw new ProtocolError(`a control line is longer than ${CONTROL_LINE_MAX} bytes`);
		}
		return lines;
	}
}

// --- internal ---

const NEWLINE = 0x0a;

type Fields = Record<string, unknown>;

const text = (fields: Fields, key: string, max = REMOTE_TEXT_MAX): string => {
	const value = fields[key];
	if (typeof value !== "string") throw new ProtocolError(`a control message has no ${key}`);
	return printable(value, max);
};

const count = (fields: Fields, key: string): number => {
	const value = fields[key];
	if (!Number.isSafeInteger(value) || (value as number) < 0) throw new ProtocolError(`a control message has no ${key}`);
	return value as number;
};

function services(fields: Fields): ServiceState[] {
	const list = fields.services;
	if (!Array.isArray(list) || list.length > SERVICES_MAX) throw new ProtocolError("a control message has no services");
	const services = list.map(service);
	const names = new Set(services.map(({ name }) => name));
	const ports = new Set(services.map(({ port }) => port));
	if (Math.min(names.size, ports.size) < list.length) throw new ProtocolError("a service is listed twice");
	return services;
}

function service(entry: unknown): ServiceState {
	if (typeof entry !== "object" || entry === null) throw new ProtocolError("a service is not an object");
	const fields = entry as Fields;
	const name = text(fields, "name", NAME_MAX);
	if (!SERVICE_NAME.test(name)) throw new ProtocolError("a service has no name");
	// A newer version may know other schemes, and an older one sends none.
	const scheme = SCHEMES.find((known) => known === fields.scheme) ?? originalService(name)?.scheme ?? "tcp";
	return { port: count(fields, "port"), name, scheme, address: text(fields, "address"), up: fields.up === true };
}

function marks(fields: Fields): string[] {
	const list = fields.listens;
	if (!Array.isArray(list)) throw new ProtocolError("a control message has no listens");
	const entries = list.slice(0, LISTENS_MAX) as unknown as Fields;
	return Object.keys(entries).map((key) => text(entries, key, NAME_MAX));
}

function resume(fields: Fields): Resume {
	const value = fields.resume;
	if (typeof value !== "object" || value === null) throw new ProtocolError("a control message has no resume");
	return { id: text(value as Fields, "id", NAME_MAX), token: text(value as Fields, "token", NAME_MAX) };
}

const DECODERS: { [T in Message["type"]]: (fields: Fields) => Extract<Message, { type: T }> } = {
	hello: (fields) => ({
		type: "hello",
		v: count(fields, "v"),
		name: text(fields, "name", NAME_MAX),
		program: text(fields, "program", NAME_MAX),
		...(fields.secret !== undefined && { secret: text(fields, "secret") }),
		...(fields.listens !== undefined && { listens: marks(fields) }),
		...(fields.resume !== undefined && { resume: resume(fields) }),
		...(fields.zstd === true && { zstd: true }),
	}),
	welcome: (fields) => ({
		type: "welcome",
		v: count(fields, "v"),
		name: text(fields, "name", NAME_MAX),
		program: text(fields, "program", NAME_MAX),
		...(fields.run !== undefined && { run: text(fields, "run", NAME_MAX) }),
		...(typeof fields.lasting === "boolean" && { lasting: fields.lasting }),
		...(fields.resume !== undefined && { resume: text(fields, "resume", NAME_MAX) }),
		...(fields.zstd === true && { zstd: true }),
		services: services(fields),
	}),
	denied: (fields) => ({ type: "denied", reason: text(fields, "reason", NAME_MAX), message: text(fields, "message") }),
	ping: (fields) => ({ type: "ping", n: count(fields, "n") }),
	pong: (fields) => ({ type: "pong", n: count(fields, "n") }),
	reset: (fields) => ({ type: "reset", stream: text(fields, "stream", NAME_MAX) }),
	bye: (fields) => ({ type: "bye", reason: text(fields, "reason") }),
	services: (fields) => ({ type: "services", services: services(fields) }),
	listens: (fields) => ({ type: "listens", listens: marks(fields) }),
};
