// The wait for a stream's header, which is bounded: a stream that sends none must not be held forever.

import { Aborted } from "../forward/duplex.ts";
import type { QuicStream } from "../transport/stream.ts";
import { HEADER_MS } from "./limits.ts";

/** The port id, undefined when no valid header came in time, or "gone" when the peer aborted the stream. */
export async function readHeader(stream: QuicStream): Promise<number | "gone" | undefined> {
	let late = false;
	const timer = setTimeout(() => {
		late = true;
		stream.cancel();
	}, HEADER_MS);
	try {
		return await stream.readHeader();
	} catch (error) {
		if (!(error instanceof Aborted)) throw error;
		return late ? undefined : "gone";
	} finally {
		clearTimeout(timer);
	}
}
