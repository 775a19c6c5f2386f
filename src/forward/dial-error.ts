// Why a service could not be connected to, as a kind that others decide by. The texts are for the screen.
import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { firstLine, systemCode } from "../base/errors.ts";

export type DialFailure =
	/** Nobody listens there. Bun says so of an unreachable host, too (docs/binding-notes.md, "Sockets"). */
	| "refused"
	/** No answer in time. */
	| "timeout"
	/** The host name has no address, or the name server does not say. */
	| "name"
	| "unreachable"
	/** This process may open no more files; it says nothing about the service. */
	| "descriptors"
	/** The address is one that must not be dialled: see {@link DialerOptions.forbids}. */
	| "forbidden"
	| "other";

/** `message` is a short reason ("connection refused"). */
export class DialError extends Error {
	readonly kind: DialFailure;

	constructor(kind: DialFailure, message: string, options?: { cause?: unknown }) {
		super(message, options);
		this.name = "DialError";
		this.kind = kind;
	}
}

/** No answer within `timeoutMs`. */
export function noAnswer(timeoutMs: number): DialError {
	return new DialError("timeout", `no answer within ${timeoutMs / 1000} s`);
}

/** What a system error of a connect or a name lookup means. */
export function dialError(cause: unknown): DialError {
	if (cause instanceof DialError) return cause;
	const [kind, reason] = REASONS[systemCode(cause)] ?? ["other", firstLine(cause)];
	if (noDescriptors()) return new DialError("descriptors", "this program has too many open files", { cause });
	return new DialError(kind, reason, { cause });
}

/** The failure that tells most: a refusal is a fact, an address that is silent may be anything. */
export function mostTelling(errors: readonly unknown[]): DialError {
	const failures = errors.map(dialError);
	const found = RANKS.map((kind) => failures.find((failure) => failure.kind === kind)).find((failure) => failure);
	return found ?? new DialError("other", "no address to connect to");
}

// --- internal ---

const RANKS: readonly DialFailure[] = [
	"descriptors",
	"forbidden",
	"refused",
	"unreachable",
	"name",
	"timeout",
	"other",
];

const NO_NAME = ["name", "host name not found"] as const;
const REASONS: Record<string, readonly [DialFailure, string]> = {
	ECONNREFUSED: ["refused", "connection refused"],
	ENOTFOUND: NO_NAME,
	EAI_AGAIN: ["name", "the name server does not answer"],
	EAI_NODATA: NO_NAME,
	ENODATA: NO_NAME,
	EHOSTUNREACH: ["unreachable", "host unreachable"],
	ENETUNREACH: ["unreachable", "network unreachable"],
	EADDRNOTAVAIL: ["unreachable", "this machine has no such address"],
	ETIMEDOUT: ["timeout", "no answer"],
};

/** Bun reports a connect without a descriptor as refused, and a lookup as not found (docs/binding-notes.md, "Sockets"). */
function noDescriptors(): boolean {
	try {
		closeSync(openSync(devNull, "r"));
		return false;
	} catch (error) {
		return ["EMFILE", "ENFILE"].includes(systemCode(error));
	}
}
