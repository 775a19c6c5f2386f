// The descriptors that a program is started with. process.stdout and process.stderr do not write: they make pipes
// non-blocking for every program that shares them, and block on terminals (docs/binding-notes.md, "Output and signals").
import { FFIType, ptr } from "bun:ffi";
import { fstatSync, write } from "node:fs";
import { systemCode } from "./errors.ts";
import { openLibc } from "./libc.ts";
import { OUTPUT_RETRY_MS, OUTPUT_STUCK_MS, WRITE_MAX } from "./limits.ts";

export const STDIN = 0;
export const STDOUT = 1;
export const STDERR = 2;

/**
 * Writes some of the bytes and resolves with how many; 0 when none could be written just now. Waits while the reader
 * takes nothing, but of all such writes only one waits in a thread. @throws Error of the system
 */
export async function writeSome(fd: number, bytes: Uint8Array): Promise<number> {
	while (inThread) {
		const age = performance.now() - inThread.since;
		if (age < OUTPUT_STUCK_MS) await Promise.race([inThread.over, Bun.sleep(OUTPUT_STUCK_MS - age)]);
		else if (isWritable(fd)) break;
		else await Bun.sleep(OUTPUT_RETRY_MS);
	}
	const writing = attempt(fd, bytes);
	if (!inThread) {
		const release = () => {
			inThread = undefined;
		};
		inThread = { since: performance.now(), over: writing.then(release, release) };
	}
	const written = await writing;
	if (written === 0) await Bun.sleep(OUTPUT_RETRY_MS);
	return written;
}

/** Whether a descriptor is a terminal. */
export function isTerminal(fd: number): boolean {
	let known = terminals.get(fd);
	if (known === undefined) {
		// Loading node:tty takes 8 ms (docs/binding-notes.md, "Output and signals"): not for pipes and files.
		known = isCharacterDevice(fd) && (require("node:tty") as typeof import("node:tty")).isatty(fd);
		terminals.set(fd, known);
	}
	return known;
}

/**
 * The width of the terminal that is standard output, now; 80 where it does not tell. Of a terminal, unlike of a pipe,
 * touching process.stdout changes no flag (docs/binding-notes.md, "Output and signals"): to be asked of terminals only.
 */
export function terminalColumns(): number {
	return process.stdout.getWindowSize()[0] || 80;
}

/** Whether both descriptors lead to the same terminal, pipe or file, so that their order matters. */
export function sameTarget(a: number, b: number): boolean {
	try {
		const [one, other] = [fstatSync(a), fstatSync(b)];
		return one.dev === other.dev && one.ino === other.ino && one.rdev === other.rdev;
	} catch {
		return false;
	}
}

// --- internal ---

/**
 * The write that may wait for its reader. It occupies a thread of Bun's pool, which may have only two; file reads and name
 * lookups need one (docs/binding-notes.md, "Output and signals").
 */
let inThread: { since: number; over: Promise<void> } | undefined;

const terminals = new Map<number, boolean>();

async function attempt(fd: number, bytes: Uint8Array): Promise<number> {
	const { promise, resolve, reject } = Promise.withResolvers<number>();
	write(fd, bytes, 0, Math.min(bytes.length, WRITE_MAX), null, (error, written) => {
		// Another program may have made the descriptor non-blocking.
		if (!error || systemCode(error) === "EAGAIN" || systemCode(error) === "EINTR") resolve(error ? 0 : written);
		else reject(error);
	});
	return promise;
}

/** POLLOUT of poll(2), the same on Linux and macOS. */
const POLLOUT = 4;

/** Whether a write of {@link WRITE_MAX} would not wait, by poll(2). True where nothing is known (Windows). */
function isWritable(fd: number): boolean {
	try {
		poll ??= openLibc({ poll: { args: [FFIType.ptr, FFIType.u64, FFIType.i32], returns: FFIType.i32 } }).symbols.poll;
		// struct pollfd { int fd; short events; short revents; }
		return poll(ptr(Int32Array.of(fd, POLLOUT)), 1n, 0) !== 0;
	} catch {
		return true;
	}
}

let poll: ((fds: ReturnType<typeof ptr>, count: bigint, timeout: number) => number) | undefined;

function isCharacterDevice(fd: number): boolean {
	try {
		return fstatSync(fd).isCharacterDevice();
	} catch {
		return false;
	}
}
