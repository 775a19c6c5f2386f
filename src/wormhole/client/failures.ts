// What the user is told about a mailbox server that cannot be reached, and about an exchange that failed.
import { HivemindError } from "../../base/errors.ts";
import { printable } from "../../base/printable.ts";
import type { HttpProxy, Route } from "./proxy.ts";
import type { Outcome } from "./state.ts";

/** Why there is no connection to the mailbox server. */
export interface Outage {
	/** As a clause, safe to print. */
	why: string;
	/** What to do, where that is known. */
	hint?: string;
}

/** `code` and `message` are those of the WebSocket's error. */
export function outage(code: string, message: string, proxy: HttpProxy | undefined): Outage {
	// "WebSocket connection to 'wss://…' failed: TLS handshake failed: unable to verify the first certificate"
	const text = printable(message.replace(/^WebSocket connection to '.*' failed: /s, ""));
	const reason = text.replace(/^TLS handshake failed: /, "");
	if (UNTRUSTED.has(code)) return { why: `the certificate is not trusted (${reason})`, hint: TRUST };
	const [, answer] = /^Proxy [a-z ]+: (\d{3}.*)$/.exec(text) ?? [];
	if (proxy && answer) {
		const login = `The proxy wants a user name and a password: ${proxy.variable}=http://USER:PASSWORD@HOST:PORT.`;
		return { why: `the proxy answered '${answer}'`, ...(answer.startsWith("407") && { hint: login }) };
	}
	return { why: REASONS[code] ?? text };
}

const BY_TICKET = "Joining with the hub's ticket (--ticket) needs no mailbox server.";

/** Why a code is dead, as a clause. */
export function explain(outcome: Outcome | { kind: "unreachable"; why: string }): string {
	switch (outcome.kind) {
		case "wrong code":
			return "somebody has another code, or interfered";
		case "crowded":
			return "two others are already using the code";
		case "forgotten":
			return "the mailbox server has forgotten the code";
		default:
			return "why" in outcome ? outcome.why : outcome.kind;
	}
}

/** The error of a peer whose exchange ended without a ticket. */
export function failure(url: string, outcome: Outcome): HivemindError {
	const hint = "Ask for a new code.";
	switch (outcome.kind) {
		case "wrong code":
			return new HivemindError("code", "The join code is wrong, and now used up.", {
				hint: `${hint} If you did not mistype it, this is a sign of an attacker.`,
			});
		case "refused":
			return refusal(url, outcome.why);
		case "error":
			return new HivemindError("mailbox", `The mailbox server ${url} reported an error: ${outcome.why}.`, {
				hint: BY_TICKET,
			});
		case "no ticket":
			return new HivemindError("code", `The join code leads to ${outcome.why}.`, {
				hint: "It belongs to another program. Use the code shown by the hub.",
			});
		default:
			return new HivemindError("code", `The join code is used up: ${explain(outcome)}.`, { hint });
	}
}

export function unreachable(route: Route, outage: Outage): HivemindError {
	const through = route.proxy ? ` through the proxy ${route.proxy.name}` : "";
	const advice = adviceOn(route, outage);
	return new HivemindError("mailbox", `The mailbox server ${route.url} cannot be reached${through}: ${outage.why}.`, {
		hint: advice ? `${advice} ${BY_TICKET}` : BY_TICKET,
	});
}

/** What to do about an outage, where that is known. */
export function adviceOn({ url, proxy }: Route, { hint }: Outage): string | undefined {
	return hint ?? (proxy && `If no proxy is needed for it, list ${new URL(url).hostname} in NO_PROXY.`);
}

export function refusal(url: string, why: string): HivemindError {
	return new HivemindError("mailbox", `The mailbox server ${url} refused this client: ${why}.`, { hint: BY_TICKET });
}

// --- internal ---

/** The codes of OpenSSL for a chain that leads to no authority that this machine trusts. */
const UNTRUSTED: ReadonlySet<string> = new Set([
	"CERT_UNTRUSTED",
	"DEPTH_ZERO_SELF_SIGNED_CERT",
	"SELF_SIGNED_CERT_IN_CHAIN",
	"UNABLE_TO_GET_ISSUER_CERT",
	"UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
	"UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

const TRUST =
	"If a private certificate authority signed it, add that to the system's certificate store, or name its PEM file in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS.";

const REASONS: Record<string, string> = {
	ECONNREFUSED: "connection refused",
	ECONNRESET: "the connection was closed",
	ENOTFOUND: "host name not found",
};
