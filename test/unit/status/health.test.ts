// /healthz: for which states of a hub and of a peer it says yes.
import { expect, test } from "bun:test";
import { unhealthy } from "../../../src/status/health.ts";
import { hubSnapshot, peerSnapshot } from "../../support/status-source.ts";

test.each([
	["starting", false],
	["open", true],
	["closed", false],
	["stopping", false],
] as const)("a hub that is %s: %p", (state, healthy) => {
	expect(unhealthy(hubSnapshot({ state })) === undefined).toBe(healthy);
});

test.each([
	["connecting", false],
	["connected", true],
	["lost", false],
	["stopping", false],
] as const)("a peer that is %s: %p", (state, healthy) => {
	expect(unhealthy(peerSnapshot({ state })) === undefined).toBe(healthy);
});

test("a service that is down does not make the hub unhealthy", () => {
	const services = hubSnapshot().services.map((service) => ({ ...service, state: "down" as const }));
	expect(unhealthy(hubSnapshot({ services }))).toBeUndefined();
});
