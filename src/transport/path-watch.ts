// Notices that a connection has taken another path. It is polled: the binding's own watchers end the process
// (docs/binding-notes.md, "Crashes"). Pure: what is seen, and when, is passed in.
import { PATH_SETTLE_MS } from "./limits.ts";

/** How the packets of a connection reach the remote: at an IP address with a port, or at a relay's URL. */
export interface Path {
	readonly kind: "direct" | "relay";
	readonly address: string;
}

/** `kind`: from direct to relay, or back. `address`: only another address, as when a NAT gives it another port. */
export interface PathChange {
	readonly change: "kind" | "address";
	readonly path: Path;
}

/** `direct` or `relay` with the address. In the first moments of a connection there may be no path yet. */
export const pathText = (path: Path | undefined): string =>
	path ? `${path.kind} ${path.address}` : "path not known yet";

export class PathWatch {
	#reported: Path | undefined;
	/** What differs from the reported path, and since when (of performance.now()). */
	#candidate: { differs: string; since: number } | undefined;

	/** `path` has been reported. */
	constructor(path: Path | undefined) {
		this.#reported = path;
	}

	/** The change to report: a path that has been seen for {@link PATH_SETTLE_MS} and differs from the last one reported. */
	look(path: Path | undefined, now: number): PathChange | undefined {
		const change = path && this.#change(path);
		if (!change) {
			// Also without any path: whether the remote is lost is for others to say.
			this.#candidate = undefined;
			return undefined;
		}
		// While the kind differs, its address may go on changing.
		const differs = change === "kind" ? path.kind : path.address;
		if (this.#candidate?.differs !== differs) this.#candidate = { differs, since: now };
		if (now - this.#candidate.since < PATH_SETTLE_MS) return undefined;
		this.#reported = path;
		this.#candidate = undefined;
		return { change, path };
	}

	// --- internal ---

	#change({ kind, address }: Path): PathChange["change"] | undefined {
		if (kind !== this.#reported?.kind) return "kind";
		return address === this.#reported.address ? undefined : "address";
	}
}
