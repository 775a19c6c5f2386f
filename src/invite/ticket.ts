// Tickets: from text to where a hub can be reached, and back. The binding's parser accepts trailing bytes and a megabyte
// of anything (measured), so the text must be exactly what the parsed ticket prints.
import { HivemindError } from "../base/errors.ts";
import { type EndpointAddr, loadIroh, nativeReason } from "../transport/iroh.ts";
import { TICKET_MAX } from "./limits.ts";
import { isSecret } from "./secret.ts";

const PREFIX = "endpoint";

export interface Ticket {
	/** Where the hub can be reached. */
	address: EndpointAddr;
	/** What the hub admits peers by; undefined in a ticket of an open hub or of the original program. */
	secret: string | undefined;
}

/**
 * Parses `<EndpointTicket>` or `<EndpointTicket>.<secret>`; case and surrounding white space do not matter.
 * @throws HivemindError `ticket`, saying what is wrong with it
 */
export async function parseTicket(text: string): Promise<Ticket> {
	const [ticket = "", secret, ...more] = text.trim().toLowerCase().split(".");
	const fail = (why: string, cause?: unknown): never => {
		throw new HivemindError("ticket", `The ticket ${why}.`, {
			hint: "Copy the whole line after 'Ticket:' from the hub's screen.",
			cause,
		});
	};
	if (ticket === "") fail("is empty");
	if (!ticket.startsWith(PREFIX)) fail(`does not begin with '${PREFIX}'`);
	if (ticket.length > TICKET_MAX) fail(`is longer than ${TICKET_MAX} characters`);
	if (more.length > 0 || (secret !== undefined && !isSecret(secret)))
		fail("is cut short or has invalid characters after the dot");
	const odd = /[^a-z2-7]/.exec(ticket);
	if (odd) fail(`has an invalid character at position ${odd.index + 1}`);
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
	if (parsed?.toString() !== ticket) fail("has trailing or invalid characters");
	return { address: (parsed as InstanceType<typeof EndpointTicket>).endpointAddr(), secret };
}

/** The text of a ticket. */
export async function formatTicket({ address, secret }: Ticket): Promise<string> {
	const { EndpointTicket } = await loadIroh();
	const text = EndpointTicket.fromAddr(address).toString();
	return secret === undefined ? text : `${text}.${secret}`;
}
