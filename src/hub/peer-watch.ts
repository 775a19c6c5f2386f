// What is worth telling of an admitted peer's connection while it lasts: that the peer no longer answers, if a relay may be
// to blame, and that it has taken another path. It is polled; pure: what is seen, and when, is passed in.
import { type Path, type PathChange, PathWatch } from "../transport/path-watch.ts";

export class PeerWatch {
	readonly #paths: PathWatch;
	#wasSilent = false;

	/** `path` has been reported. */
	constructor(path: Path | undefined) {
		this.#paths = new PathWatch(path);
	}

	/** `silent`: the peer has not answered for a while. Of a silence it tells once. */
	look(path: Path | undefined, silent: boolean, now: number): "relay_silent" | PathChange | undefined {
		const fellSilent = silent && !this.#wasSilent;
		this.#wasSilent = silent;
		// What a dying connection still tries is no news of a peer that has a better one by then.
		if (!silent) return this.#paths.look(path, now);
		return fellSilent && path?.kind === "relay" ? "relay_silent" : undefined;
	}
}
