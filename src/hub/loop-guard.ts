// Keeps the hub from taking a peer's local port for a service, when both are on one machine and use the same ports: each
// connection would open the next one until streams run out. The peer's hello says where it listens, in marks that only
// its own machine understands.
import { type Address, formatAddress } from "../base/address.ts";
import { setBounded } from "../base/bounded-map.ts";
import { localMarks } from "../base/local-marks.ts";
import { DialError } from "../forward/dial-error.ts";
import type { PeerLabel } from "./events.ts";
import { KNOWN_MAX } from "./limits.ts";
import { isOwnHost, listeningHosts } from "./own-addresses.ts";

/** A connected peer that may listen on this machine. */
export interface ListeningPeer {
	readonly peer: PeerLabel;
	/** What its hello says: see {@link localMarks}. */
	readonly marks: readonly string[];
	/** It has not answered for so long that it may be gone. */
	readonly silent: boolean;
}

/** The address is the local port of a peer of this hub. */
export class LoopError extends DialError {
	readonly address: Address;
	readonly owner: PeerLabel;

	constructor(address: Address, owner: PeerLabel) {
		super("forbidden", `${formatAddress(address)} is the local port of a peer`);
		this.address = address;
		this.owner = owner;
	}
}

export class LoopGuard {
	readonly #hubId: string;
	readonly #byMark = new Map<string, Set<ListeningPeer>>();
	/** The marks of a listener on exactly each address that was asked for, and on every address. */
	readonly #marks = new Map<string, { exact: readonly string[]; wildcard: readonly string[] }>();

	/** `hubId` is this hub's public id. */
	constructor(hubId: string) {
		this.#hubId = hubId;
	}

	add(peer: ListeningPeer): void {
		for (const mark of peer.marks) this.#byMark.set(mark, (this.#byMark.get(mark) ?? new Set()).add(peer));
	}

	/** Idempotent. */
	remove(peer: ListeningPeer): void {
		for (const mark of peer.marks) {
			const peers = this.#byMark.get(mark);
			peers?.delete(peer);
			if (peers?.size === 0) this.#byMark.delete(mark);
		}
	}

	/** Why this literal address must not be dialled; undefined when no connected peer of this machine listens there. */
	forbids(address: Address): LoopError | undefined {
		if (this.#byMark.size === 0) return undefined;
		const { exact, wildcard } = this.#marksOf(address);
		const owner = this.#find(exact) ?? this.#findHere(wildcard, address.host);
		return owner && new LoopError(address, owner.peer);
	}

	// --- internal ---

	#find(marks: readonly string[]): ListeningPeer | undefined {
		for (const mark of marks) for (const peer of this.#byMark.get(mark) ?? []) if (!peer.silent) return peer;
		return undefined;
	}

	/** A listener on every address gets no connection to another machine. */
	#findHere(marks: readonly string[], host: string): ListeningPeer | undefined {
		const owner = this.#find(marks);
		return owner && isOwnHost(host) ? owner : undefined;
	}

	#marksOf(address: Address): { exact: readonly string[]; wildcard: readonly string[] } {
		const key = formatAddress(address);
		const known = this.#marks.get(key);
		if (known) return known;
		const [own = "", ...all] = listeningHosts(address.host);
		const marks = (host: string) => localMarks({ host, port: address.port }, this.#hubId);
		const made = { exact: marks(own), wildcard: all.flatMap(marks) };
		// A name may lead to ever new addresses.
		setBounded(this.#marks, key, made, KNOWN_MAX);
		return made;
	}
}
