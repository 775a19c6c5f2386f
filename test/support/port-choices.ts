// Where a test's peer listens.
import type { Address } from "../../src/base/address.ts";
import type { PortChoices } from "../../src/peer/port-choices.ts";
import { ORIGINAL_SERVICES } from "../../src/protocol/services.ts";

const FREE: Address = { host: "127.0.0.1", port: 0 };

/** What a peer does that was given no option. */
export const NO_CHOICES: PortChoices = { binds: new Map(), only: undefined, strict: false, ask: undefined };

/** Each of these services at an address. */
export const bound = (binds: Record<string, Address>): PortChoices => ({
	...NO_CHOICES,
	binds: new Map(Object.entries(binds)),
});

/** Frontend, backend and websocket at these addresses of the three, and at free ports otherwise. */
export const originalsAt = (...addresses: readonly (Address | undefined)[]): PortChoices =>
	bound(Object.fromEntries(ORIGINAL_SERVICES.map(({ name }, i) => [name, addresses[i] ?? FREE])));
