// Which peers may use a hub, as a table: every input in every state that matters, without a network.
import { describe, expect, test } from "bun:test";
import {
	awaitsControl,
	type Hello,
	isAdmitted,
	isLimited,
	isListening,
	isServed,
	isStaying,
	type PeerInput,
	type PeerState,
	transition,
	type Welcome,
} from "../../../src/hub/peer-state.ts";

const hello: Hello = { type: "hello", v: 1, name: "me", program: "1" };
const welcome: Welcome = { type: "welcome", v: 1, name: "hub", program: "1", services: [] };
const denial = { reason: "full", message: "the hub is full" } as const;

const INPUTS: PeerInput[] = [
	{ type: "control" },
	{ type: "service" },
	{ type: "hello", hello },
	{ type: "timeout" },
	{ type: "admitted" },
	{ type: "denied", denial },
	{ type: "prepared", welcome },
	{ type: "bye", reason: "so long" },
];
const CLOSED: PeerInput = { type: "closed", reason: "timed out" };
const OLD: PeerInput = { type: "hello", hello: { ...hello, v: 0 } };

const NEW: PeerState = { phase: "new" };
const GREETING: PeerState = { phase: "greeting" };
const ORIGINAL: PeerState = { phase: "original", control: false };
const LATE: PeerState = { phase: "original", control: true };
const ADMITTED: PeerState = { phase: "admitted" };
const WELCOMED: PeerState = { phase: "welcomed" };
const LEAVING: PeerState = { phase: "leaving", welcomed: true };
const LEAVING_EARLY: PeerState = { phase: "leaving", welcomed: false };
const DENIED: PeerState = { phase: "denied" };
const OVER: PeerState = { phase: "closed" };
const ALL = [NEW, GREETING, ORIGINAL, LATE, ADMITTED, WELCOMED, LEAVING, LEAVING_EARLY, DENIED, OVER];

const after = (state: PeerState, input: PeerInput, open = false) => {
	const step = transition(state, input, open);
	return { state: step.state, does: step.actions.map(({ type }) => type) };
};

/** The state and actions after each input; inputs that are not named change nothing and do nothing. */
function expectTable(state: PeerState, open: boolean, table: Record<string, [PeerState, ...string[]]>): void {
	for (const input of INPUTS) {
		const [next, ...does] = table[input.type] ?? [state];
		expect(after(state, input, open), `${input.type} when ${JSON.stringify(state)}`).toEqual({
			state: next,
			does: does as never,
		});
	}
}

describe("a hub with a secret", () => {
	test("requires a hello: nothing else leads to admission", () => {
		const denied = { denied: [DENIED, "deny"] } as const;
		expectTable(NEW, false, {
			control: [GREETING],
			timeout: [NEW, "close"],
			// The answer to a question that only an open hub asks here.
			admitted: [ORIGINAL, "enter"],
			denied: [...denied.denied],
		});
		expectTable(GREETING, false, {
			hello: [GREETING, "decide"],
			timeout: [GREETING, "close"],
			admitted: [ADMITTED, "enter", "prepare"],
			denied: [...denied.denied],
		});
	});

	test("serves streams after the welcome, not before", () => {
		expectTable(ADMITTED, false, { prepared: [WELCOMED, "welcome"], bye: [LEAVING_EARLY, "leave"] });
		expectTable(WELCOMED, false, { bye: [LEAVING, "leave"] });
		expect(ALL.filter(isServed)).toEqual([ORIGINAL, WELCOMED, LEAVING]);
	});
});

describe("an open hub", () => {
	test("admits a peer that asks for a service, or sends nothing in time, as one of the original program", () => {
		for (const input of ["service", "timeout"] as const) {
			expect(after(NEW, { type: input }, true)).toEqual({ state: NEW, does: ["decide"] });
			expect(
				after(GREETING, { type: input }, true).does,
				"one with a control stream has to send a hello",
			).not.toContain("decide");
		}
		expect(after(NEW, { type: "admitted" }, true)).toEqual({ state: ORIGINAL, does: ["enter"] });
	});

	test("welcomes a peer whose hello comes late, and serves it nothing in between", () => {
		expectTable(ORIGINAL, true, { control: [LATE], bye: [LEAVING_EARLY, "leave"] });
		expectTable(LATE, true, { hello: [ADMITTED, "prepare"], bye: [LEAVING_EARLY, "leave"] });
		expect(isServed(LATE)).toBe(false);
	});

	test("does not limit a peer's streams before it is admitted, unless it has opened a control stream", () => {
		expect(ALL.filter((state) => isLimited(state, true))).toEqual([GREETING, DENIED, OVER]);
		expect(ALL.filter((state) => isLimited(state, false))).toEqual([NEW, GREETING, DENIED, OVER]);
	});
});

test("a peer that has said goodbye no longer counts, but its late welcome is still sent", () => {
	expectTable(LEAVING, false, {});
	expectTable(LEAVING_EARLY, false, { hello: [LEAVING_EARLY, "prepare"], prepared: [LEAVING, "welcome"] });
	expect(ALL.filter(isStaying)).toEqual([ORIGINAL, LATE, ADMITTED, WELCOMED]);
	expect(ALL.filter(isAdmitted)).toEqual([ORIGINAL, LATE, ADMITTED, WELCOMED, LEAVING, LEAVING_EARLY]);
});

test("nothing changes for a peer that was denied or whose connection is over", () => {
	for (const state of [DENIED, OVER]) for (const open of [true, false]) expectTable(state, open, {});
});

test("when its connection ends, a peer leaves unless it has left already", () => {
	for (const state of ALL) {
		expect(after(state, CLOSED)).toEqual({ state: OVER, does: isStaying(state) ? ["leave"] : [] });
	}
});

test("a hello with a version below 1 is denied, and a peer that counted no longer counts", () => {
	expect(after(GREETING, OLD)).toEqual({ state: DENIED, does: ["deny"] });
	expect(after(LATE, OLD, true)).toEqual({ state: DENIED, does: ["deny", "leave"] });
	expect(after(LEAVING_EARLY, OLD, true)).toEqual({ state: DENIED, does: ["deny"] });
	for (const state of [NEW, ORIGINAL, ADMITTED, WELCOMED, LEAVING, DENIED, OVER]) {
		expect(after(state, OLD)).toEqual({ state, does: [] });
	}
});

test("one control stream is accepted, and only a welcomed peer is told anything", () => {
	expect(ALL.filter(awaitsControl)).toEqual([NEW, ORIGINAL]);
	expect(ALL.filter(isListening)).toEqual([WELCOMED, LEAVING]);
});
