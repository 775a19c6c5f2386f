// The states of the search for a lost hub, without a network.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { HivemindError } from "../../../src/base/errors.ts";
import { nextReconnectState, type ReconnectInput, type ReconnectState } from "../../../src/peer/reconnect-state.ts";

const DENIED = new HivemindError("denied", "The hub denied access.");
const ALPN = new HivemindError("alpn", "Another protocol.");

const IDLE: ReconnectState = { kind: "idle" };

/** The state after these inputs, from idle. */
const after = (...inputs: ReconnectInput[]): ReconnectState => inputs.reduce(nextReconnectState, IDLE);

const START: ReconnectInput = { type: "start", until: 100 };
const ATTEMPT: ReconnectInput = { type: "attempt", at: 150 };
const RETRY: ReconnectInput = { type: "retry", pauseMs: 200 };
const STOP: ReconnectInput = { type: "stop" };
const denied = (error: HivemindError): ReconnectInput => ({ type: "denied", error });

test("waits, attempts, and waits again, with the pause counted from the start of the attempt", () => {
	expect(after(START)).toEqual({ kind: "waiting", until: 100, denied: undefined });
	expect(after(START, ATTEMPT)).toEqual({ kind: "attempting", since: 150, denied: undefined });
	expect(after(START, ATTEMPT, RETRY)).toEqual({ kind: "waiting", until: 350, denied: undefined });
});

test("a search under way is not started again", () => {
	for (const before of [after(START), after(START, ATTEMPT)]) {
		expect(nextReconnectState(before, { type: "start", until: 9_999 })).toBe(before);
	}
});

test("the search is over when no other connection is wanted, and can be started again", () => {
	expect(after(START, STOP)).toEqual(IDLE);
	expect(after(START, ATTEMPT, STOP, START)).toEqual(after(START));
});

test("a late denial ends the search once the attempt under way has failed, not before", () => {
	const late = after(START, ATTEMPT, denied(DENIED));
	expect(late).toEqual({ kind: "attempting", since: 150, denied: DENIED });
	expect(nextReconnectState(late, RETRY)).toEqual({ kind: "failed", error: DENIED });
});

test("a denial between two attempts is remembered for the next one", () => {
	expect(after(START, ATTEMPT, RETRY, denied(DENIED), ATTEMPT, RETRY)).toEqual({ kind: "failed", error: DENIED });
});

test("a denial is forgotten when another attempt succeeds", () => {
	expect(after(START, ATTEMPT, denied(DENIED), STOP)).toEqual(IDLE);
	expect(after(START, ATTEMPT, denied(DENIED), STOP, START, ATTEMPT, RETRY).kind).toBe("waiting");
	expect(after(denied(DENIED))).toEqual(IDLE);
});

test("the first of several denials counts", () => {
	expect(after(START, ATTEMPT, denied(DENIED), denied(ALPN), RETRY)).toEqual({ kind: "failed", error: DENIED });
});

test("an error that trying again would not help ends the search at once", () => {
	expect(after(START, ATTEMPT, { type: "fail", error: ALPN })).toEqual({ kind: "failed", error: ALPN });
});

test("a failed search stays failed, whatever comes", () => {
	const failed = after(START, ATTEMPT, { type: "fail", error: ALPN });
	const input = fc.constantFrom(START, ATTEMPT, RETRY, STOP, denied(DENIED), { type: "fail", error: DENIED } as const);
	fc.assert(
		fc.property(fc.array(input), (inputs) => {
			expect(inputs.reduce(nextReconnectState, failed)).toBe(failed);
		}),
	);
});
