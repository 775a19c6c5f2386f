// The only importer of @number0/iroh: loads the native add-on on first use, keeps live handles referenced, hands bytes
// over in the form that the loaded binding wants, and makes its errors readable.
import type * as Iroh from "@number0/iroh";
import { firstLine, HivemindError } from "../base/errors.ts";
import { printable } from "../base/printable.ts";
import { CHUNK_MAX, COLLECT_AFTER_MS, COLLECT_FROM } from "./limits.ts";

export type { BiStream, Connection, Endpoint, EndpointAddr, Incoming, RecvStream, SendStream } from "@number0/iroh";

let loaded: Promise<typeof Iroh> | undefined;

/**
 * Whether the loaded binding takes and returns Uint8Array. Version 1.1.0 has arrays of numbers instead, and its types
 * say so (docs/binding-notes.md, "Bytes or numbers").
 */
let takesBytes = false;

/**
 * The binding. The first call loads 20 MB of native code, so `--help` and `--version` never make it.
 * @throws HivemindError `addon`
 */
export function loadIroh(): Promise<typeof Iroh> {
	loaded ??= load().catch((cause: unknown) => {
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
	return SecretKey.fromBytes(toNative(key)).public().toString();
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

/** Ends a native connection without a reason. */
export function closeSilently(connection: Iroh.Connection): void {
	connection.close(0n, toNative(new Uint8Array(0)));
}

/** How many native handles are pinned. Zero once everything is closed, which the tests check: the rest would leak. */
export function liveHandles(): number {
	return live.size;
}

/**
 * The bytes as the loaded binding wants them. They must not be changed until its call has settled: it either reads this
 * very memory, or the array that is returned here, which is valid until the next call only and which the binding copies
 * before its own call returns. A loop costs 0.6 ns a byte, `Array.from` costs 13 (docs/binding-notes.md, "Backpressure").
 */
export function toNative(bytes: Uint8Array): number[] {
	if (takesBytes) return bytes as unknown as number[];
	const length = bytes.length;
	if (length === CHUNK_MAX) fullChunk ??= new Array<number>(CHUNK_MAX).fill(0);
	const numbers = length === CHUNK_MAX ? (fullChunk as number[]) : new Array<number>(length);
	for (let i = 0; i < length; i++) numbers[i] = bytes[i] as number;
	return numbers;
}

/** The bytes that a call of the binding has returned; of numbers it costs 0.4 ns a byte. Nothing changes them later. */
export function fromNative(returned: number[]): Uint8Array {
	return isBytes(returned) ? returned : new Uint8Array(returned);
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

// --- internal ---

let fullChunk: number[] | undefined;

async function load(): Promise<typeof Iroh> {
	const iroh = await import("@number0/iroh");
	takesBytes = isBytes(iroh.SecretKey.generate().toBytes());
	return iroh;
}

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;
