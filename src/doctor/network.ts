// Checks of the network: UDP sockets, the relay, and the way to a ticket's hub. They contact nobody but the relays, the
// discovery service and the hub that share or join would contact, and the hub only with the ALPN of a probe.
import { formatAddress, isLoopback } from "../base/address.ts";
import { HivemindError } from "../base/errors.ts";
import type { Ticket } from "../invite/ticket.ts";
import { bindEndpoint, type Endpoint, type EndpointOptions } from "../transport/endpoint.ts";
import { type EndpointAddr, loadIroh } from "../transport/iroh.ts";
import type { Finding } from "./finding.ts";
import { HUB_ANSWER_MS } from "./limits.ts";

/** Which families the endpoint is bound to. */
export function sockets(endpoint: Endpoint): Finding {
	const check = "UDP";
	const bound = endpoint.sockets();
	const text = `bound to ${bound.map(formatAddress).join(" and ")}`;
	const missing = ["IPv4", "IPv6"].filter((_, i) => !bound.some(({ host }) => host.includes(":") === (i === 1)));
	if (missing.length === 0) return { check, result: "ok", text };
	return {
		check,
		result: "ok",
		text,
		hint: `Without ${missing[0]}: this machine has none, or only one address was asked for.`,
	};
}

/** Which relay the endpoint gets, and by which addresses others may reach it. Waits until a relay answers, or not. */
export async function relay(endpoint: Endpoint, options: EndpointOptions): Promise<Finding> {
	const check = "relay";
	if (options.relays === "none") return { check, result: "skipped", text: "not used (--no-relay)" };
	const online = await endpoint.online();
	const address = endpoint.address();
	if (!online) {
		const which = Array.isArray(options.relays) ? options.relays.join(", ") : "no public relay";
		return {
			check,
			result: "warning",
			text: Array.isArray(options.relays) ? `${which} does not answer` : "no public relay answers",
			hint:
				"Only machines that reach each other directly can be joined: the same machine, LAN or VPN. Is this machine " +
				"offline, or does a firewall block HTTPS or UDP? Codes need the mailbox server, too; tickets do not.",
		};
	}
	const direct = address.directAddresses();
	return {
		check,
		result: "ok",
		text: `${address.relayUrl() ?? "none"}; this machine is seen at ${direct.join(", ") || "no address"}`,
	};
}

/** Whether a hub can be reached directly, and through its relay. */
export async function hub(ticket: Ticket, options: EndpointOptions): Promise<Finding> {
	const check = "the ticket's hub";
	const { EndpointAddr } = await loadIroh();
	const { address } = ticket;
	const [relayUrl, direct] = [address.relayUrl(), address.directAddresses()];
	const viaRelay = relayUrl && options.relays !== "none" ? new EndpointAddr(address.id(), relayUrl, []) : undefined;
	const directly = direct.length > 0 ? new EndpointAddr(address.id(), null, direct) : undefined;
	const [direction, relayed] = await Promise.all([
		directly && reaches(directly, { ...options, relays: "none" }),
		viaRelay && reaches(viaRelay, { ...options, relays: [relayUrl as string] }),
	]);
	const found = [
		directly ? `directly: ${wayText(direction)}` : "the ticket names no direct address",
		viaRelay ? `through its relay: ${wayText(relayed)}` : "no relay",
	];
	if (direction?.ms !== undefined) return { check, result: "ok", text: found.join("; "), ms: direction.ms };
	if (relayed?.ms !== undefined) {
		const hint = "'join' works through the relay, and looks for a direct path meanwhile.";
		return { check, result: "ok", text: found.join("; "), hint, ms: relayed.ms };
	}
	const hint =
		"Is the hub running? Without --identity its ticket changes at each start: ask for the one on its screen.";
	return { check, result: "failed", text: found.join("; "), hint };
}

// --- internal ---

/** `ms`: it answered after so long. `why`: it did not. */
type Way = { ms: number; why?: undefined } | { ms?: undefined; why: string };

const wayText = (way: Way | undefined): string => (way?.ms === undefined ? (way?.why ?? "not tried") : `${way.ms} ms`);

/** Connects as a probe, which the hub answers with a TLS handshake and nothing else. */
async function reaches(address: EndpointAddr, { ipv4, ipv6, relays }: EndpointOptions): Promise<Way> {
	const loopback = address.directAddresses().every((at) => isLoopback(at.replace(/:\d+$/, "")));
	const here = relays === "none" && loopback ? { host: "127.0.0.1", port: 0 } : undefined;
	const bound = ipv4 ? { ...ipv4, port: 0 } : here;
	const prober = await bindEndpoint({
		alpn: "probe",
		relays,
		...(bound && { ipv4: bound }),
		...(ipv6 && { ipv6: { ...ipv6, port: 0 } }),
	});
	const begun = performance.now();
	try {
		(await prober.connect(address, HUB_ANSWER_MS)).close("probed");
		return { ms: Math.round(performance.now() - begun) };
	} catch (error) {
		// A hub that knows no probes has answered.
		if (error instanceof HivemindError && error.code === "alpn") return { ms: Math.round(performance.now() - begun) };
		return { why: "no answer" };
	} finally {
		await prober.close();
	}
}
