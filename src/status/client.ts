// Asks a status server of this or another machine. What answers may be any program, so the answer is bounded; and no
// proxy of the environment is used, which would not find this machine's loopback.
import { type Address, formatAddress } from "../base/address.ts";
import { firstLine, HivemindError, systemCode } from "../base/errors.ts";
import { PROGRAM } from "../base/version.ts";
import { STATUS_ANSWER_MAX, STATUS_ANSWER_MS } from "./limits.ts";
import type { Snapshot } from "./snapshot.ts";

export interface StatusQuestion {
	/** Where the server was told to listen; on every address means on loopback, too. */
	address: Address;
	token?: string;
	/** Aborts the question. */
	stop: AbortSignal;
}

/** The snapshot of the program at this address. @throws HivemindError `unreachable`, and the reason of `stop` */
export async function askSnapshot(question: StatusQuestion): Promise<Snapshot> {
	const { status, text } = await ask(question, "/status");
	const snapshot = status === 200 ? snapshotIn(text) : undefined;
	if (snapshot) return snapshot;
	throw refused(question, status, text);
}

/** Why the program at this address is not healthy; undefined when it is. @throws as {@link askSnapshot} */
export async function askHealth(question: StatusQuestion): Promise<string | undefined> {
	const { status, text } = await ask(question, "/healthz");
	if (status === 200) return undefined;
	if (status === 503) return `Not healthy: ${text.trim()}.`;
	throw refused(question, status, text);
}

// --- internal ---

interface Answer {
	status: number;
	text: string;
}

async function ask({ address, token, stop }: StatusQuestion, path: string): Promise<Answer> {
	const signal = AbortSignal.any([stop, AbortSignal.timeout(STATUS_ANSWER_MS)]);
	try {
		const response = await fetch(`http://${formatAddress(reachable(address))}${path}`, {
			headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
			proxy: false,
			redirect: "manual",
			decompress: false,
			keepalive: false,
			signal,
		});
		return { status: response.status, text: await bounded(response) };
	} catch (cause) {
		stop.throwIfAborted();
		const why = signal.aborted
			? `no answer within ${STATUS_ANSWER_MS / 1000} s`
			: (REASONS[systemCode(cause)] ?? firstLine(cause));
		throw new HivemindError("unreachable", `No status at ${formatAddress(address)}: ${why}.`, {
			hint: `Start share or join with --status, or say with --addr where its status is.`,
			cause,
		});
	}
}

/** Of fetch, whose own sentences name the URL and its options. */
const REASONS: Record<string, string> = {
	ConnectionRefused: "nothing listens there",
	ECONNREFUSED: "nothing listens there",
	ECONNRESET: "the connection was closed",
	FailedToOpenSocket: "the address cannot be reached",
};

/** 0.0.0.0 and :: are addresses to listen at, and not everywhere to connect to. */
function reachable({ host, port }: Address): Address {
	return { host: { "0.0.0.0": "127.0.0.1", "::": "::1" }[host] ?? host, port };
}

async function bounded(response: Response): Promise<string> {
	const decoder = new TextDecoder();
	let text = "";
	for await (const bytes of (response.body ?? []) as AsyncIterable<Uint8Array>) {
		text += decoder.decode(bytes, { stream: true });
		if (text.length > STATUS_ANSWER_MAX) throw new Error("the answer is too long");
	}
	return text + decoder.decode();
}

/** A snapshot has many more fields, but no other program's answer has these. */
function snapshotIn(text: string): Snapshot | undefined {
	try {
		const value = JSON.parse(text) as Partial<Snapshot> | null;
		const known = (value?.role === "hub" || value?.role === "peer") && Array.isArray(value.services) && value.process;
		return known ? (value as Snapshot) : undefined;
	} catch {
		return undefined;
	}
}

function refused({ address, token }: StatusQuestion, status: number, text: string): HivemindError {
	const at = formatAddress(address);
	if (status === 401) {
		const message =
			token === undefined ? `The status at ${at} needs a token.` : `The status at ${at} has another token.`;
		return new HivemindError("unreachable", message, { hint: "Give the program's --status-token with --token." });
	}
	const why = status === 200 ? `What answers at ${at} is not ${PROGRAM}.` : `${at} answers with ${status}: ${text}`;
	return new HivemindError("unreachable", why, { hint: "Say with --addr where the status is." });
}
