// Bounds what a connection may send before its peer is admitted. The transport keeps up to 1.25 MB of each stream whose
// beginning is missing, and its windows can only be made larger (docs/binding-notes.md, "Memory"). So the bytes that
// arrive are counted, whatever they are.
import type { Connection } from "../transport/connection.ts";
import { PENDING_BYTES_MAX, PENDING_BYTES_MS } from "./limits.ts";

/**
 * Closes the connection once it has received more than {@link PENDING_BYTES_MAX}, and calls `onExcess` with the reason.
 * Call the returned function when the bound no longer applies; it is idempotent.
 */
export function limitBytes(
	connection: Pick<Connection, "received" | "close">,
	onExcess: (reason: string) => void,
): () => void {
	// Two counts in a row: what admits the peer may be among the bytes that have just arrived, and a program that was
	// suspended reads them only now.
	let counts = 0;
	const timer = setInterval(() => {
		counts = connection.received > PENDING_BYTES_MAX ? counts + 1 : 0;
		if (counts < 2) return;
		clearInterval(timer);
		connection.close(TOO_MUCH);
		onExcess(TOO_MUCH);
	}, PENDING_BYTES_MS);
	return () => clearInterval(timer);
}

// --- internal ---

const TOO_MUCH = "too much data before the welcome";
