// The services that a test's hub shares.
import type { Address } from "../../src/base/address.ts";
import { ORIGINAL_SERVICES, type SharedService } from "../../src/protocol/services.ts";

/** Frontend, backend and websocket at these addresses; a number is a port of 127.0.0.1. */
export function originalServices(...at: readonly (Address | number)[]): SharedService[] {
	return at.map((address, i) => {
		const { portId, name, scheme } = ORIGINAL_SERVICES[i] as (typeof ORIGINAL_SERVICES)[number];
		return {
			portId,
			name,
			scheme,
			address: typeof address === "number" ? { host: "127.0.0.1", port: address } : address,
		};
	});
}
