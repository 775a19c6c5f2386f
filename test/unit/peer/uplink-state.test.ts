// The states of a peer's uplink, without a network: the next state for each input in each state, and what follows from
// a look at a session.
import { describe, expect, test } from "bun:test";
import { PEER_SILENCE_MS, REPLACED_MS, STILL_LOST_MS, SUSPECT_MS, UPLINK_TICK_MS } from "../../../src/peer/limits.ts";
import {
	isWanted,
	judge,
	nextUplinkState,
	type Observation,
	superseded,
	type UplinkInput,
	type UplinkState,
} from "../../../src/peer/uplink-state.ts";
import { CONNECTIONS_PER_ID } from "../../../src/transport/limits.ts";

type State = UplinkState<string>;

const CONNECTING: State = { kind: "connecting" };
const CONNECTED: State = { kind: "connected", session: "a", enteredAt: 100 };
const LOST: State = { kind: "lost", since: 5_000, enteredAt: 100, hinted: false };
const CLOSED: State = { kind: "closed" };
const STATES = [CONNECTING, CONNECTED, LOST, CLOSED];

const WELCOMED: UplinkInput<string> = { type: "welcomed", session: "b", at: 9_000 };
const LEFT: UplinkInput<string> = { type: "left", session: "a", since: 8_000 };
const RECOVERED: UplinkInput<string> = { type: "recovered", session: "a" };
const TICK: UplinkInput<string> = { type: "tick", at: 5_000 + STILL_LOST_MS };
const CLOSE: UplinkInput<string> = { type: "close" };

/** The state after this input for each of STATES, in order; "same" for the very same object. */
const table = (input: UplinkInput<string>) =>
	STATES.map((state) => {
		const next = nextUplinkState(state, input);
		return next === state ? "same" : next;
	});

test("a welcomed session is put in use only in states that want one", () => {
	const connected: State = { kind: "connected", session: "b", enteredAt: 9_000 };
	expect(table(WELCOMED)).toEqual([connected, "same", connected, "same"]);
	expect(STATES.map(isWanted)).toEqual([true, false, true, false]);
});

test("only the session in use can be lost", () => {
	const lost: State = { kind: "lost", since: 8_000, enteredAt: 100, hinted: false };
	expect(table(LEFT)).toEqual(["same", lost, "same", "same"]);
	expect(table({ ...LEFT, session: "b" })).toEqual(["same", "same", "same", "same"]);
});

test("an old session that recovers is put in use while the hub is lost, and keeps its time of entry", () => {
	expect(table(RECOVERED)).toEqual(["same", "same", { kind: "connected", session: "a", enteredAt: 100 }, "same"]);
});

test("a loss that has lasted long enough is hinted at, once", () => {
	expect(table(TICK)).toEqual(["same", "same", { ...LOST, hinted: true }, "same"]);
	expect(nextUplinkState(LOST, { type: "tick", at: 4_999 + STILL_LOST_MS })).toBe(LOST);
	const hinted = nextUplinkState(LOST, TICK);
	expect(nextUplinkState(hinted, { type: "tick", at: 10 * STILL_LOST_MS })).toBe(hinted);
});

test("a closed uplink stays closed", () => {
	expect(table(CLOSE)).toEqual([CLOSED, CLOSED, CLOSED, "same"]);
	for (const input of [WELCOMED, LEFT, RECOVERED, TICK, CLOSE]) expect(nextUplinkState(CLOSED, input)).toBe(CLOSED);
});

describe("a look at a session", () => {
	const idle: Observation = { running: 0, silentMs: 0, leaving: false };
	const NOW = 100 + REPLACED_MS + 1;

	test("in use finds it fine, unless the hub is silent or leaving", () => {
		const look = (seen: Partial<Observation>) => judge(CONNECTED, "a", { ...idle, ...seen }, NOW);
		expect(look({})).toBe("fine");
		expect(look({ silentMs: SUSPECT_MS })).toBe("fine");
		expect(look({ silentMs: SUSPECT_MS + 1 })).toBe("suspect");
		expect(look({ silentMs: PEER_SILENCE_MS })).toBe("suspect");
		expect(look({ silentMs: PEER_SILENCE_MS + 1 })).toBe("dead");
		expect(look({ leaving: true })).toBe("finished");
		expect(look({ leaving: true, running: 1 })).toBe("fine");
	});

	test("that was replaced closes it when nothing runs on it, but not in the first moments", () => {
		expect(judge(CONNECTED, "old", idle, NOW)).toBe("replaced");
		expect(judge(CONNECTED, "old", idle, NOW - 1)).toBe("fine");
		expect(judge(CONNECTED, "old", { ...idle, running: 1 }, NOW)).toBe("fine");
		for (const state of [LOST, CLOSED]) expect(judge(state, "old", idle, NOW)).not.toBe("replaced");
	});

	test("while the hub is lost uses it again if the hub has just answered and is not leaving", () => {
		const look = (seen: Partial<Observation>) => judge(LOST, "a", { ...idle, running: 1, ...seen }, NOW);
		expect(look({})).toBe("recovered");
		expect(look({ silentMs: 2 * UPLINK_TICK_MS })).toBe("fine");
		expect(look({ leaving: true })).toBe("fine");
		expect(judge(CLOSED, "a", idle, NOW)).toBe("fine");
	});
});

describe("a session that is put in use", () => {
	const session = (run?: string) => ({ run });

	test("ends those of another run of the hub, if both name a run", () => {
		const old = [session("first"), session(), session("second")];
		expect(superseded(old, session("second"))).toEqual([{ old: session("first"), reason: "the hub was restarted" }]);
		expect(superseded(old, session())).toEqual([]);
	});

	test("ends the oldest if there would be too many", () => {
		const old = Array.from({ length: CONNECTIONS_PER_ID + 1 }, () => session());
		const ended = superseded(old, session());
		expect(ended.map(({ reason }) => reason)).toEqual(Array(2).fill("too many connections at once"));
		expect(ended.map(({ old }) => old)).toEqual(old.slice(0, 2));
		expect(superseded(old.slice(2), session())).toEqual([]);
	});
});
