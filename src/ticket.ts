// Tickets: text ↔ where a hub can be reached. Called by endpoint.ts (make) and join.ts (read).
// The binding's parser accepts trailing bytes and a megabyte of anything (measured), so the text must be exactly
// what the parsed ticket prints.
import { HivemindError } from "./errors.ts";
import { type EndpointAddr, loadIroh, nativeReason } from "./iroh.ts";
import { TICKET_MAX } from "./limits.ts";

const PREFIX = "endpoint";

/**
 * The address in a ticket. Surrounding white space and case are forgiven.
 * @throws HivemindError `ticket`, saying what is wrong with it
 */
export async function parseTicket(text: string): Promise<EndpointAddr> {
	const ticket = text.trim().toLowerCase();
	const fail = (why: string, cause?: unknown): never => {
		throw new HivemindError("ticket", `The ticket ${why}.`, {
			hint: "Copy the whole line after 'Ticket:' from the hub's screen.",
			cause,
		});
	};
	if (ticket === "") fail("is empty");
	if (!ticket.startsWith(PREFIX)) fail(`does not begin with '${PREFIX}'`);
	if (ticket.length > TICKET_MAX) fail(`is longer than ${TICKET_MAX} characters`);
	const odd = /[^a-z2-7]/.exec(ticket);
	if (odd) fail(`has a character that no ticket has, at position ${odd.index + 1}`);
	const { EndpointTicket } = await loadIroh();
	let parsed: InstanceType<typeof EndpointTicket> | undefined;
	try {
		parsed = EndpointTicket.fromString(ticket);
	} catch (cause) {
		fail(
			/end of buffer|length/i.test(nativeReason(cause))
				? "is cut short"
				: "is damaged: characters are missing or wrong",
			cause,
		);
	}
	if (parsed?.toString() !== ticket) fail("has trailing or wrong characters");
	return (parsed as InstanceType<typeof EndpointTicket>).endpointAddr();
}

/** The ticket of an address. */
export async function formatTicket(address: EndpointAddr): Promise<string> {
	const { EndpointTicket } = await loadIroh();
	return EndpointTicket.fromAddr(address).toString();
}
