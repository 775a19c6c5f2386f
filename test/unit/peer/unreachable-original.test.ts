// Which unreachable hubs may be the original's.
import { expect, test } from "bun:test";
import { HivemindError } from "../../../src/base/errors.ts";
import { mayBeOriginal } from "../../../src/peer/unreachable-original.ts";
import type { EndpointAddr } from "../../../src/transport/iroh.ts";

const hub = (relay: string | null) => ({ relayUrl: () => relay }) as EndpointAddr;
const unreachable = new HivemindError("unreachable", "Cannot reach the hub.", { hint: "Is it running?" });

function thrown(of: EndpointAddr, secret: string | undefined, error: Error): Error {
	try {
		return mayBeOriginal(of, secret)(error);
	} catch (found) {
		return found as Error;
	}
}

test("no answer on a ticket without a relay and without a secret: the hint names the original, and keeps the rest", () => {
	const error = thrown(hub(null), undefined, unreachable);
	expect(error).toMatchObject({ code: "unreachable", message: "Cannot reach the hub." });
	expect((error as HivemindError).hint).toMatch(
		/^Is it running\? If the hub is the original hivemind-p2p, it needs a relay/,
	);
});

test.each([
	["a ticket with a secret", hub(null), "secret", unreachable],
	["a ticket with a relay", hub("https://relay.test"), undefined, unreachable],
	["another error", hub(null), undefined, new HivemindError("alpn", "Another protocol.")],
] as const)("%s: the error is as it was", (_, of, secret, error) => {
	expect(thrown(of, secret, error)).toBe(error);
});
