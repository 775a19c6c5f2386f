// Turns off the hub's probes. A probe is a TCP connection, which a test's service would take for a peer's; without
// probes, hubs learn about their services only from dialling them for peers.
import { type Mock, spyOn } from "bun:test";
import { ServiceHealth } from "../../src/hub/service-health.ts";

let holders = 0;
let probing: Mock<ServiceHealth["probe"]> | undefined;

/** No hub probes its services until all disposables that this function has returned are disposed of. */
export function withoutProbes(): Disposable {
	holders++;
	probing ??= spyOn(ServiceHealth.prototype, "probe").mockResolvedValue();
	let held = true;
	return {
		[Symbol.dispose]() {
			if (!held) return;
			held = false;
			if (--holders > 0) return;
			probing?.mockRestore();
			probing = undefined;
		},
	};
}
