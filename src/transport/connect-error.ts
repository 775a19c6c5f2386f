// Why a hub could not be reached, for the user.
import { HivemindError } from "../base/errors.ts";
import type { EndpointOptions } from "./bind.ts";
import { type EndpointAddr, isOtherProtocol, nativeReason } from "./iroh.ts";

/** The error of a failed attempt with an endpoint of these options: `alpn`, `identity` or `unreachable`. */
export function connectError(address: EndpointAddr, options: EndpointOptions, cause: unknown): HivemindError {
	const text = nativeReason(cause);
	if (isOtherProtocol(text)) {
		return new HivemindError("alpn", `The hub speaks a protocol other than --alpn ${options.alpn}.`, {
			hint: "Start both sides with the same --alpn: hivemind (the default) or federated-hivemind.",
			cause,
		});
	}
	if (/ourself/.test(text)) {
		return new HivemindError("identity", "This is the hub's own identity: a peer needs another one.", {
			hint: "Join with another --identity file, or with none.",
			cause,
		});
	}
	const direct = address.directAddresses();
	const relay = address.relayUrl();
	const withoutRelay = options.relays === "none";
	const tried = [...direct, ...(relay && !withoutRelay ? [`relay ${relay}`] : [])];
	const more = relay && withoutRelay ? " Without --no-relay, its relay would be tried, too." : "";
	return new HivemindError(
		"unreachable",
		`Cannot reach the hub: ${text}. Tried ${tried.join(", ") || "no address at all"}.`,
		{ hint: `Is the hub still running? Without --identity its ticket changes when it restarts.${more}`, cause },
	);
}
