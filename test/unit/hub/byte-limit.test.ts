// The bytes that a connection may receive before its peer is admitted.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { limitBytes } from "../../../src/hub/byte-limit.ts";
import { PENDING_BYTES_MAX, PENDING_BYTES_MS } from "../../../src/hub/limits.ts";
import { Clock } from "../../support/far-hub.ts";
import { FarPeer } from "../../support/far-peer.ts";

let clock: Clock;
let peer: FarPeer;
/** What was reported. */
let excess: string[];
let end: () => void;

beforeEach(() => {
	clock = new Clock();
	peer = new FarPeer();
	excess = [];
	end = limitBytes(peer.asConnection, (reason) => excess.push(reason));
});
afterEach(() => {
	end();
	expect(clock.intervals, "intervals left running").toBe(0);
	clock.restore();
});

const counts = (times: number): Promise<void> => clock.pass(times * PENDING_BYTES_MS);

test("a stranger that sends without end is disconnected, and reported once", async () => {
	peer.received = PENDING_BYTES_MAX + 1;
	await counts(10);
	expect(excess).toEqual(["too much data before the welcome"]);
	expect(peer.closings).toEqual(excess);
});

test("one that sends as much as it may is not disconnected", async () => {
	peer.received = PENDING_BYTES_MAX;
	await counts(10);
	expect(excess).toEqual([]);
});

test("a peer whose hello came with more than that is not disconnected if it is admitted before the next count", async () => {
	peer.received = 100 * PENDING_BYTES_MAX;
	await counts(1);
	expect(excess).toEqual([]);
	end();
	await counts(10);
	expect(excess).toEqual([]);
});
