// Admission compared with its rules, written as a table: an admitted peer has broken none of them, and a denied one is
// told a rule that it has broken. Hellos, departures and pauses come in any order.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Admission, type Policy } from "../../src/hub/admission.ts";
import { newSecret } from "../../src/invite/secret.ts";

const SECRET = newSecret();
const IDS = ["a", "b", "c", "d"];

const policy: fc.Arbitrary<Policy> = fc.record({
	secret: fc.constantFrom(SECRET, SECRET, undefined),
	allow: fc.option(
		fc.subarray(IDS).map((ids) => new Set(ids)),
		{ nil: undefined },
	),
	maxPeers: fc.integer({ min: 1, max: 3 }),
	once: fc.boolean(),
	expiresAt: fc.option(fc.nat(200_000), { nil: undefined }),
});

const step = fc.record({
	wait: fc.oneof(fc.nat(10), fc.nat(90_000)),
	id: fc.constantFrom(...IDS),
	does: fc.constantFrom("right", "right", "wrong", "wrong", "nothing", "leaves"),
	key: fc.constantFrom("its own", "its own", "new, with its token", "new, with another peer's token"),
});

test("each decision follows from the rules", () => {
	fc.assert(
		fc.property(policy, fc.array(step, { maxLength: 60 }), (rules, steps) => {
			const admission = new Admission(rules);
			const connected = new Set<string>();
			const known = new Set<string>();
			/** How many wrong secrets each id may still send; refilled as time passes. */
			const left = new Map<string, number>();
			let now = 0;
			for (const { wait, id, does, key } of steps) {
				now += wait;
				for (const [one, tokens] of left) left.set(one, Math.min(3, tokens + wait / 20_000));
				if (does === "leaves") {
					connected.delete(id);
					continue;
				}
				const secret = does === "right" ? SECRET : does === "wrong" ? "a".repeat(26) : undefined;
				const broken = {
					secret: rules.secret !== undefined && does !== "right",
					rate: rules.secret !== undefined && (left.get(id) ?? 3) < 1 - 1e-9,
					id: rules.allow !== undefined && !rules.allow.has(id),
					expired: rules.expiresAt !== undefined && now >= rules.expiresAt && !known.has(id),
					once: rules.once && known.size > 0 && !known.has(id),
					full: connected.size >= rules.maxPeers && !connected.has(id),
				};
				const of = key === "new, with its token" ? id : "another";
				const resume = key === "its own" ? {} : { resume: { id, token: admission.tokens.of(of) } };
				const hello = { ...(secret !== undefined && { secret }), ...resume };
				const own = key === "its own" ? id : "new";
				const verdict = admission.admit(own, hello, connected, { wall: now, monotonic: now });
				if (of === "another" && key !== "its own") {
					expect(verdict).toHaveProperty("reason", "resume");
					continue;
				}
				const denial = "reason" in verdict ? verdict : undefined;
				if (!denial) expect(verdict).toEqual({ id });
				const reasons = Object.entries(broken).flatMap(([reason, holds]) => (holds ? [reason] : []));
				if (!denial) expect(reasons).toEqual([]);
				else expect(reasons).toContain(denial.reason);
				// Only wrong secrets that were compared count.
				if (broken.rate) expect(denial?.reason).toBe("rate");
				else if (broken.secret) expect(denial?.reason).toBe("secret");
				if (denial?.reason === "secret") left.set(id, (left.get(id) ?? 3) - 1);
				if (!denial) {
					connected.add(id);
					known.add(id);
				}
				const over = (rules.once && known.size > 0) || (rules.expiresAt !== undefined && now >= rules.expiresAt);
				expect(admission.closed(now)).toBe(over);
			}
		}),
		{ numRuns: 1000 },
	);
});
