// Where the two sides of a tunnel run.

/** What goes in front of a command on each side; nothing on one machine. */
export interface Sides {
	hub: readonly string[];
	peer: readonly string[];
	/** Where the peer's side reaches the hub's. */
	address: string;
}

export const ONE_MACHINE: Sides = { hub: [], peer: [], address: "127.0.0.1" };
