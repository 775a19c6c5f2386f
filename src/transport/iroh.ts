// The only importer of @number0/iroh: loads the native add-on on first use, keeps live handles referenced, converts
// bytes to the binding's arrays of numbers and back, and makes its errors readable.
import type * as Iroh from "@number0/iroh";
import { firstLine, HivemindError } from "../base/errors.ts";
import { printable } from "../base/printable.ts";
import { CHUNK_MAX, COLLECT_AFTER_MS, COLLECT_FROM } from "./limits.ts";

export type { BiStream, Connection, Endpoint, EndpointAddr, Incoming, RecvStream, SendStream } from "@number0/iroh";

let loaded: Promise<typeof Iroh> | undefined;

/**
 * The binding. The first call loads 20 MB of native code, so `--help` and `--version` never make it.
 * @throws HivemindError `addon`
 */
export function loadIroh(): Promise<typeof Iroh> {
	loaded ??= import("@number0/iroh").catch((cause: unknown) => {
		throw new HivemindError(
			"addon",
			`The native networking library cannot be loaded: ${firstLine(cause).slice(0, 200)}.`,
			{
				hint:
					"It needs glibc 2.34 or newer (or musl with libstdc++), and on Linux either memfd_create with /proc, " +
					"or a writable, executable TMPDIR.",
				cause,
			},
		);
	});
	return loaded;
}

/** The public id of a secret key of 32 bytes, as 64 hexadecimal digits. @throws HivemindError `addon` */
export async function publicId(key: Uint8Array): Promise<string> {
	const { SecretKey } = await loadIroh();
	return SecretKey.fromBytes(toNumbers(key)).public().toString();
}

// A handle without a JavaScript reference is garbage-collected while in use: its connection dies, or its half-sent
// stream ends in a clean FIN (docs/binding-notes.md, "Streams"). So every handle is pinned when it is opened, until it
// is closed.
const live = new Set<object>();

/** Keeps a native handle alive until {@link unpin}. */
export function pin<T extends object>(handle: T): T {
	live.add(handle);
	return handle;
}

/** Releases a closed handle. Idempotent. */
export function unpin(handle: object): void {
	live.delete(handle);
}

/**
 * Collects what was unpinned a moment ago. A closed endpoint keeps its sockets until it is collected, and the collector
 * does not know how much they hold (docs/binding-notes.md, "Memory"). Takes about 10 ms.
 */
export function collectSoon(): void {
	setImmediate(() => Bun.gc(true));
}

/** What connections had received that have ended since the last collection. */
let ended = 0;
let collecting = false;

/**
 * A connection that had received this many bytes has ended. What of them nobody has read is kept until its handles are
 * collected, and the collector does not know how much that is (docs/binding-notes.md, "Memory").
 */
export function collectAfter(received: number): void {
	ended += received;
	if (collecting || ended < COLLECT_FROM) return;
	collecting = true;
	setTimeout(() => {
		collecting = false;
		ended = 0;
		Bun.gc(true);
	}, COLLECT_AFTER_MS);
}

/** How many native handles are pinned. Zero once everything is closed, which the tests check: the rest would leak. */
export function liveHandles(): number {
	return live.size;
}

const fullChunk: number[] = new Array(CHUNK_MAX).fill(0);

/**
 * The bytes as the array of numbers that the binding wants, valid until the next call: the binding copies it before its
 * own call returns. A loop costs 0.6 ns a byte, `Array.from` costs 13 (docs/binding-notes.md, "Backpressure").
 */
export function toNumbers(bytes: Uint8Array): number[] {
	const length = bytes.length;
	const numbers = length === CHUNK_MAX ? fullChunk : new Array<number>(length);
	for (let i = 0; i < length; i++) numbers[i] = bytes[i] as number;
	return numbers;
}

/** The bytes of an array of numbers from the binding; costs 0.4 ns a byte. */
export function toBytes(numbers: number[]): Uint8Array {
	return new Uint8Array(numbers);
}

/**
 * What went wrong in one of the binding's errors, as one line that is safe to print, because the remote chooses the
 * reason that it closes a handshake with. With RUST_BACKTRACE set the message is a chain of causes with source paths
 * and a stack trace (docs/binding-notes.md): the innermost cause says what happened.
 */
export function nativeReason(error: unknown): string {
	const [chain = ""] = (error instanceof Error ? error.message : String(error)).split(/\n\s*Stack backtrace:/);
	const lines = chain.split("\n").map((line) => line.replace(/^\s*(\d+: )?/, "").trim());
	const innermost = lines.filter((line) => line !== "" && line !== "Caused by:").at(-1) ?? "";
	return printable(innermost.replace(/ \(\/\S+\.rs:\d+:\d+\)$/, ""));
}

/** Whether a {@link nativeReason} says that the two sides have no ALPN in common. */
export const isOtherProtocol = (reason: string): boolean => /known protocol|NoApplicationProtocol/.test(reason);
