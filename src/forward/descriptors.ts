// How many file descriptors are left. At the limit accept() fails, and Bun tries again at once, for ever, without a word;
// and connect() fails as if the other side had refused (docs/binding-notes.md, "Sockets"). So sockets are counted before
// that, and the last few descriptors are left to the program itself.
import { readdirSync, readFileSync } from "node:fs";
import { systemCode } from "../base/errors.ts";
import { DESCRIPTORS_COUNT_MS, DESCRIPTORS_QUIET_MS, DESCRIPTORS_RESERVED } from "./limits.ts";

/** How many descriptors this process has open, and how many it may have. */
export interface DescriptorUse {
	open: number;
	limit: number;
}

export interface DescriptorOptions {
	/** Called when a socket was refused for the first time (`full`), and when none has been for a while and there is room. */
	onChange(state: "full" | "room", use: DescriptorUse): void;
	/** What is in use; undefined where the system does not tell, so that nothing is ever refused. */
	measure?(): DescriptorUse | undefined;
}

export class Descriptors {
	readonly #onChange: DescriptorOptions["onChange"];
	readonly #measure: () => DescriptorUse | undefined;
	/** Sockets that may be opened before it is worth counting again. */
	#credit = 0;
	/** Since the first refusal, until there is room. Times are of performance.now(). */
	#full: { timer: Timer; refusedAt: number; countAt: number } | undefined;

	constructor({ onChange, measure = measureDescriptors }: DescriptorOptions) {
		this.#onChange = onChange;
		this.#measure = measure;
	}

	/** To be asked for each socket, as early as possible: whether it may be kept. */
	take(): boolean {
		const now = performance.now();
		if (this.#credit === 0 && !(this.#full && now < this.#full.countAt)) this.#count(now);
		if (this.#credit > 0) {
			this.#credit--;
			return true;
		}
		if (this.#full) this.#full.refusedAt = now;
		return false;
	}

	/** Nothing more is reported. Idempotent. */
	close(): void {
		clearInterval(this.#full?.timer);
		this.#full = undefined;
		this.#credit = Number.POSITIVE_INFINITY;
	}

	// --- internal ---

	/** Sets the credit by what is really open; reports when it has run out, or has come back. */
	#count(now: number): void {
		const use = this.#measure();
		const room = use ? use.limit - Math.min(DESCRIPTORS_RESERVED, Math.ceil(use.limit / 4)) - use.open : Infinity;
		// Half of what is left, as others use it, too: the nearer the limit, the more often it is counted.
		this.#credit = room > 0 ? Math.ceil(room / 2) : 0;
		if (!use) return;
		if (this.#full) {
			// With very many descriptors counting takes long enough to matter.
			this.#full.countAt = performance.now() + Math.max(DESCRIPTORS_COUNT_MS, 20 * (performance.now() - now));
			if (room <= 0 || now - this.#full.refusedAt < DESCRIPTORS_QUIET_MS) return;
			clearInterval(this.#full.timer);
			this.#full = undefined;
			this.#onChange("room", use);
		} else if (room <= 0) {
			const timer = setInterval(() => this.#look(), DESCRIPTORS_COUNT_MS);
			this.#full = { timer, refusedAt: now, countAt: now + DESCRIPTORS_COUNT_MS };
			this.#onChange("full", use);
		}
	}

	#look(): void {
		const now = performance.now();
		if (this.#full && now >= this.#full.countAt) this.#count(now);
	}
}

/** What is in use; undefined where the system does not tell. */
export function measureDescriptors(): DescriptorUse | undefined {
	const limit = descriptorLimit();
	if (limit === undefined) return undefined;
	try {
		// The directory itself is open while it is read.
		return { open: readdirSync(FOLDER).length - 1, limit };
	} catch (error) {
		return OUT_OF_DESCRIPTORS.has(systemCode(error)) ? { open: limit, limit } : undefined;
	}
}

// --- internal ---

const OUT_OF_DESCRIPTORS: ReadonlySet<string> = new Set(["EMFILE", "ENFILE"]);

const FOLDER = process.platform === "linux" ? "/proc/self/fd" : "/dev/fd";

/** The last one that could be read: at the limit itself nothing can be. */
let known: number | undefined;

/** The soft limit, which may change while the program runs (prlimit(1)). Windows has none. */
function descriptorLimit(): number | undefined {
	try {
		if (process.platform === "linux") {
			const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
			known = soft === undefined ? undefined : Number(soft);
		} else if (process.platform === "darwin") {
			const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
			const soft = report.userLimits?.open_files?.soft;
			known = typeof soft === "number" ? soft : undefined;
		}
	} catch {
		// Out of descriptors, or not told at all.
	}
	return known;
}
