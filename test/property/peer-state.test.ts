// The hub's decisions about one connection, driven by a peer that does anything in any order: no order of inputs leads
// to the services without the hub's admission.
import { expect, test } from "bun:test";
import fc from "fast-check";
import {
	awaitsControl,
	isAdmitted,
	isListening,
	isServed,
	type PeerAction,
	type PeerInput,
	type PeerState,
	transition,
	type Welcome,
} from "../../src/hub/peer-state.ts";

const welcome: Welcome = { type: "welcome", v: 1, name: "hub", program: "1", services: [] };
const denial = { reason: "secret", message: "no" } as const;

/** What the peer, the clock and the network may do. The hub's own answers are fed in when it is asked. */
const step = fc.oneof(
	{ weight: 8, arbitrary: fc.constantFrom("control", "service", "hello", "old hello", "bye", "prepared") },
	{ weight: 1, arbitrary: fc.constantFrom("timeout", "closed") },
);

function inputOf(step: string): PeerInput {
	const hello = { type: "hello", name: "me", program: "1" } as const;
	switch (step) {
		case "hello":
			return { type: "hello", hello: { ...hello, v: 1 } };
		case "old hello":
			return { type: "hello", hello: { ...hello, v: 0 } };
		case "bye":
		case "closed":
			return { type: step, reason: step };
		case "prepared":
			return { type: "prepared", welcome };
		default:
			return { type: step as "control" | "service" | "timeout" };
	}
}

test("whatever comes, in any order, only admission leads to services, and each action happens once", () => {
	fc.assert(
		fc.property(
			fc.boolean(),
			fc.array(step, { maxLength: 30 }),
			fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
			(open, steps, answers) => {
				let state = { phase: "new" } as PeerState;
				let admittedByHub = false;
				let greeted = false;
				const done: PeerAction["type"][] = [];
				const count = (type: PeerAction["type"]) => done.filter((other) => other === type).length;
				const feed = (input: PeerInput): void => {
					const before = state;
					const { state: next, actions } = transition(state, input, open);
					state = next;
					for (const action of actions) {
						done.push(action.type);
						if (action.type !== "decide") continue;
						// Without a hello only an open hub is asked, and never about a peer whose admission is decided.
						expect(open || action.hello !== undefined).toBe(true);
						expect(isAdmitted(before) || before.phase === "denied" || before.phase === "closed").toBe(false);
						const yes = answers[count("decide") % answers.length] as boolean;
						if (yes) admittedByHub = true;
						feed(yes ? { type: "admitted" } : { type: "denied", denial });
					}
				};
				for (const one of steps) {
					// Nothing is read from a connection that is over, nor from a control stream that was not opened.
					if (state.phase === "closed") break;
					if (["hello", "old hello", "bye"].includes(one) && awaitsControl(state)) continue;
					if (one === "prepared" && count("prepare") === 0) continue;
					if (one === "hello") greeted = true;
					feed(inputOf(one));

					if (!admittedByHub) {
						expect(isAdmitted(state) || isServed(state) || isListening(state)).toBe(false);
						for (const type of ["enter", "prepare", "welcome", "leave"] as const) expect(count(type)).toBe(0);
					}
					expect(count("enter")).toBe(admittedByHub ? 1 : 0);
					expect(count("decide")).toBeLessThanOrEqual(1);
					expect(count("deny")).toBeLessThanOrEqual(1);
					expect(count("welcome")).toBeLessThanOrEqual(1);
					expect(count("leave")).toBeLessThanOrEqual(count("enter"));
					if (!open && isServed(state)) expect(greeted, "served without a hello").toBe(true);
					if (isListening(state)) expect(count("welcome")).toBe(1);
				}
				feed({ type: "closed", reason: "the end" });
				expect(count("leave"), "each peer that entered has left").toBe(count("enter"));
				expect([isAdmitted(state), isServed(state), isListening(state), awaitsControl(state)]).toEqual([
					false,
					false,
					false,
					false,
				]);
			},
		),
		{ numRuns: 5000 },
	);
});
