// `doctor`: one check after the other, from this machine outwards. Nothing is sent anywhere that share or join would not
// contact.
import { HivemindError } from "../base/errors.ts";
import { parseTicket } from "../invite/ticket.ts";
import { bindEndpoint, type Endpoint, type EndpointOptions } from "../transport/endpoint.ts";
import { loadIroh } from "../transport/iroh.ts";
import { loadedBy } from "../transport/native-addon.ts";
import { type Finding, timed } from "./finding.ts";
import { descriptors, ports } from "./machine.ts";
import { clock, mailbox } from "./mailbox.ts";
import { hub, relay, sockets } from "./network.ts";

export interface DiagnoseOptions {
	endpoint: EndpointOptions;
	/** The mailbox server's URL; the public one when not given. */
	mailbox?: string;
	/** Also look for the hub of this ticket. */
	ticket?: string;
}

/**
 * Calls `tell` with each finding as it is made. Resolves with whether a tunnel would work: to the ticket's hub if there is
 * one, else at all. @throws HivemindError `ticket`, `usage`
 */
export async function diagnose(options: DiagnoseOptions, tell: (finding: Finding) => void): Promise<boolean> {
	const addon = await timed(native);
	const loaded = addon.result !== "failed";
	// A bad ticket is a mistake to be corrected before anything is said, and no finding.
	const ticket = loaded && options.ticket !== undefined ? await parseTicket(options.ticket) : undefined;
	for (const finding of [descriptors(), ports(), addon]) tell(finding);
	if (!loaded) return false;
	let endpoint: Endpoint;
	try {
		endpoint = await bindEndpoint(options.endpoint);
	} catch (error) {
		if (!(error instanceof HivemindError)) throw error;
		tell({
			check: "UDP",
			result: "failed",
			text: error.message,
			...(error.hint !== undefined && { hint: error.hint }),
		});
		return false;
	}
	let works = true;
	try {
		tell(sockets(endpoint));
		tell(await timed(() => relay(endpoint, options.endpoint)));
		if (ticket) {
			const found = await hub(ticket, options.endpoint);
			tell(found);
			works = found.result !== "failed";
		}
	} finally {
		await endpoint.close();
	}
	tell(await timed(() => mailbox(options.mailbox)));
	tell(await clock(options.mailbox));
	return works;
}

// --- internal ---

async function native(): Promise<Finding> {
	const check = "native library";
	try {
		await loadIroh();
		const how = { memfd: "loaded from memory", file: "loaded from a temporary file" };
		return { check, result: "ok", text: loadedBy ? how[loadedBy] : "loaded from node_modules" };
	} catch (error) {
		if (!(error instanceof HivemindError)) throw error;
		return { check, result: "failed", text: error.message, ...(error.hint !== undefined && { hint: error.hint }) };
	}
}
