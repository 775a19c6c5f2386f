// Which peers are admitted: each rule by itself, with the message that the peer shows.

import { heapStats } from "bun:jsc";
import { describe, expect, test } from "bun:test";
import { Admission, type Policy, teamPolicy } from "../../../src/hub/admission.ts";
import { ADMITTED_IDS, MAX_PEERS, WRONG_SECRET_IDS, WRONG_SECRETS, WRONG_SECRETS_MS } from "../../../src/hub/limits.ts";
import { newSecret } from "../../../src/invite/secret.ts";

const SECRET = newSecret();
const NOBODY: ReadonlySet<string> = new Set();
const id = (n: number) => n.toString(16).padStart(64, "0");

/** After this time one more wrong secret is compared. */
const REFILL_MS = WRONG_SECRETS_MS / WRONG_SECRETS;

/** The same time on both clocks. */
const at = (ms: number) => ({ wall: ms, monotonic: ms });

const admission = (policy: Partial<Policy> = {}) => new Admission({ ...teamPolicy(SECRET), ...policy });

describe("the secret", () => {
	test("a peer with the right one is admitted; with a wrong one, none or a part of it, it is denied", () => {
		const hub = admission();
		expect(hub.decide(id(1), SECRET, NOBODY, at(0))).toBeUndefined();
		for (const [i, secret] of [undefined, "", newSecret(), SECRET.slice(1), SECRET.toUpperCase()].entries()) {
			expect(hub.decide(id(2 + i), secret, NOBODY, at(0))).toEqual({
				reason: "secret",
				message: "the ticket is not, or no longer, valid at this hub",
			});
		}
	});

	test("an open hub requires none, and accepts any", () => {
		const hub = admission({ secret: undefined });
		expect(hub.decide(id(1), undefined, NOBODY, at(0))).toBeUndefined();
		expect(hub.decide(id(2), newSecret(), NOBODY, at(0))).toBeUndefined();
	});

	test("a peer on the list needs it as well", () => {
		const hub = admission({ allow: new Set([id(1)]) });
		expect(hub.decide(id(1), undefined, NOBODY, at(0))?.reason).toBe("secret");
	});

	test("a peer that was admitted before needs it again", () => {
		const hub = admission({ once: true });
		expect(hub.decide(id(1), SECRET, NOBODY, at(0))).toBeUndefined();
		expect(hub.decide(id(1), newSecret(), NOBODY, at(0))?.reason).toBe("secret");
	});
});

describe("wrong secrets", () => {
	test("one id may send three at once; after that not even the right one is accepted, until one is refilled", () => {
		const hub = admission();
		for (let i = 0; i < WRONG_SECRETS; i++) expect(hub.decide(id(1), "x", NOBODY, at(0))?.reason).toBe("secret");
		expect(hub.decide(id(1), "x", NOBODY, at(10))).toEqual({
			reason: "rate",
			message: "too many wrong tickets; wait a minute",
		});
		expect(hub.decide(id(1), SECRET, NOBODY, at(REFILL_MS - 1))?.reason).toBe("rate");
		expect(hub.decide(id(1), SECRET, NOBODY, at(REFILL_MS))).toBeUndefined();
	});

	test("three more may be sent a minute later, and never more than three a minute in the long run", () => {
		const hub = admission();
		const wrong = (ms: number) => hub.decide(id(1), "x", NOBODY, at(ms))?.reason;
		for (let i = 0; i < WRONG_SECRETS; i++) wrong(0);
		for (let i = 0; i < WRONG_SECRETS; i++) expect(wrong(WRONG_SECRETS_MS)).toBe("secret");
		expect(wrong(WRONG_SECRETS_MS)).toBe("rate");
		let seen = 0;
		for (let ms = 2 * WRONG_SECRETS_MS; ms < 12 * WRONG_SECRETS_MS; ms += 100) if (wrong(ms) === "secret") seen++;
		expect(seen).toBe(WRONG_SECRETS * 10 + WRONG_SECRETS - 1);
	});

	test("attempts that are denied without a comparison do not make the wait longer", () => {
		const hub = admission();
		for (let i = 0; i < WRONG_SECRETS; i++) hub.decide(id(1), "x", NOBODY, at(0));
		for (let ms = 1; ms < REFILL_MS; ms += 100) hub.decide(id(1), "x", NOBODY, at(ms));
		expect(hub.decide(id(1), SECRET, NOBODY, at(REFILL_MS))).toBeUndefined();
	});

	test("setting the wall clock back does not make the wait longer", () => {
		const hub = admission();
		for (let i = 0; i < WRONG_SECRETS; i++) hub.decide(id(1), "x", NOBODY, { wall: 1e12, monotonic: 0 });
		expect(hub.decide(id(1), SECRET, NOBODY, { wall: 0, monotonic: REFILL_MS })).toBeUndefined();
	});

	test("from one id do not count for another", () => {
		const hub = admission();
		for (let i = 0; i < 10; i++) hub.decide(id(1), "x", NOBODY, at(0));
		expect(hub.decide(id(2), SECRET, NOBODY, at(0))).toBeUndefined();
	});

	test("of the oldest id are forgotten when too many ids have sent some", () => {
		const hub = admission();
		for (let i = 0; i < WRONG_SECRETS; i++) hub.decide(id(0), "x", NOBODY, at(0));
		for (let i = 1; i < WRONG_SECRET_IDS; i++) hub.decide(id(i), "x", NOBODY, at(1));
		expect(hub.decide(id(0), SECRET, NOBODY, at(2))?.reason).toBe("rate");
		hub.decide(id(WRONG_SECRET_IDS), "x", NOBODY, at(2));
		expect(hub.decide(id(0), SECRET, NOBODY, at(2))).toBeUndefined();
	});
});

test("if too many peers were admitted before the invitation expired, the oldest are forgotten", () => {
	const hub = admission({ expiresAt: 100 });
	for (let i = 0; i <= ADMITTED_IDS; i++) expect(hub.decide(id(i), SECRET, NOBODY, at(0))).toBeUndefined();
	expect(hub.decide(id(0), SECRET, NOBODY, at(100))?.reason).toBe("expired");
	expect(hub.decide(id(1), SECRET, NOBODY, at(100))).toBeUndefined();
	expect(hub.decide(id(ADMITTED_IDS), SECRET, NOBODY, at(100))).toBeUndefined();
});

test("--allow admits only peers on the list", () => {
	const hub = admission({ allow: new Set([id(1)]) });
	expect(hub.decide(id(1), SECRET, NOBODY, at(0))).toBeUndefined();
	expect(hub.decide(id(2), SECRET, NOBODY, at(0))).toEqual({
		reason: "id",
		message: "this hub admits only the peers on its list",
	});
	expect(admission({ allow: new Set() }).decide(id(1), SECRET, NOBODY, at(0))?.reason).toBe("id");
});

test("--allow on an open hub admits peers on the list, without a secret", () => {
	const hub = admission({ secret: undefined, allow: new Set([id(1)]) });
	expect(hub.decide(id(1), undefined, NOBODY, at(0))).toBeUndefined();
	expect(hub.decide(id(2), undefined, NOBODY, at(0))?.reason).toBe("id");
});

describe("a peer that comes back with another key", () => {
	const [ITS_OWN, NEW] = [id(1), id(77)];
	/** What the hub has told the peer with this id. */
	const resume = (hub: Admission, of = ITS_OWN) => ({ id: of, token: hub.tokens.of(of) });
	const admit = (hub: Admission, resumed: { id: string; token: string } | undefined, connected = NOBODY) =>
		hub.admit(NEW, { secret: SECRET, ...(resumed && { resume: resumed }) }, connected, at(0));

	test("counts as the peer that it was", () => {
		const hub = admission();
		expect(admit(hub, resume(hub))).toEqual({ id: ITS_OWN });
		expect(admit(hub, undefined)).toEqual({ id: NEW });
	});

	test("is admitted where only that peer is: --allow, --max-peers, --once, --expires", () => {
		for (const policy of [
			{ allow: new Set([ITS_OWN]) },
			{ maxPeers: 1 },
			{ once: true },
			{ once: true, maxPeers: 1, allow: new Set([ITS_OWN]) },
		]) {
			const hub = admission(policy);
			expect(hub.admit(ITS_OWN, { secret: SECRET }, NOBODY, at(0))).toEqual({ id: ITS_OWN });
			expect(admit(hub, resume(hub), new Set([ITS_OWN]))).toEqual({ id: ITS_OWN });
			expect(admit(hub, undefined, new Set([ITS_OWN])), "without its token").toHaveProperty("reason");
		}
		const hub = admission({ expiresAt: 1000 });
		hub.admit(ITS_OWN, { secret: SECRET }, NOBODY, at(999));
		const { tokens } = hub;
		const late = { secret: SECRET, resume: { id: ITS_OWN, token: tokens.of(ITS_OWN) } };
		expect(hub.admit(NEW, late, NOBODY, at(1000))).toEqual({ id: ITS_OWN });
	});

	test("is denied with a token that is wrong, of another peer or of an earlier run, whatever else is right", () => {
		for (const policy of [{}, { allow: new Set([ITS_OWN, NEW]) }, { secret: undefined }]) {
			const hub = admission(policy);
			for (const token of ["", "x", hub.tokens.of(NEW), admission().tokens.of(ITS_OWN)]) {
				expect(admit(hub, { id: ITS_OWN, token })).toEqual({
					reason: "resume",
					message: "no such peer has joined since this hub was started",
				});
			}
			expect(hub.closed(0)).toBe(false);
		}
	});

	test("needs the secret as well, and a list that names its new id does not help it", () => {
		const hub = admission({ allow: new Set([NEW]) });
		const wrong = { secret: newSecret(), resume: resume(hub) };
		expect(hub.admit(NEW, wrong, NOBODY, at(0))).toHaveProperty("reason", "secret");
		expect(hub.admit(NEW, { resume: resume(hub) }, NOBODY, at(0))).toHaveProperty("reason", "secret");
		expect(admit(hub, resume(hub))).toHaveProperty("reason", "id");
	});
});

describe("--max-peers", () => {
	test("is 32 when not given, and one more peer is told that the hub is full", () => {
		const hub = admission();
		const connected = new Set<string>();
		for (let i = 0; i < MAX_PEERS; i++) {
			expect(hub.decide(id(i), SECRET, connected, at(0))).toBeUndefined();
			connected.add(id(i));
		}
		expect(MAX_PEERS).toBe(32);
		expect(hub.decide(id(99), SECRET, connected, at(0))).toEqual({ reason: "full", message: "the hub is full" });
		connected.delete(id(7));
		expect(hub.decide(id(99), SECRET, connected, at(0))).toBeUndefined();
	});

	test("does not count a second connection of a connected peer", () => {
		const hub = admission({ maxPeers: 1 });
		hub.decide(id(1), SECRET, NOBODY, at(0));
		expect(hub.decide(id(1), SECRET, new Set([id(1)]), at(0))).toBeUndefined();
		expect(hub.decide(id(2), SECRET, new Set([id(1)]), at(0))?.reason).toBe("full");
	});

	test("keeps no place for a peer that has left", () => {
		const hub = admission({ maxPeers: 1 });
		hub.decide(id(1), SECRET, NOBODY, at(0));
		hub.decide(id(2), SECRET, NOBODY, at(0));
		expect(hub.decide(id(1), SECRET, new Set([id(2)]), at(0))?.reason).toBe("full");
	});

	test("denies a peer without using up --once", () => {
		const hub = admission({ once: true, maxPeers: 1 });
		expect(hub.decide(id(1), SECRET, new Set([id(9)]), at(0))?.reason).toBe("full");
		expect(hub.closed(0)).toBe(false);
		expect(hub.decide(id(2), SECRET, NOBODY, at(0))).toBeUndefined();
	});
});

test("--once admits one peer, which may come back, and no others", () => {
	const hub = admission({ once: true });
	expect(hub.closed(0)).toBe(false);
	expect(hub.decide(id(9), "x", NOBODY, at(0))?.reason).toBe("secret");
	expect(hub.closed(0)).toBe(false);
	expect(hub.decide(id(1), SECRET, NOBODY, at(0))).toBeUndefined();
	expect(hub.closed(0)).toBe(true);
	expect(hub.decide(id(1), SECRET, new Set([id(1)]), at(1))).toBeUndefined();
	expect(hub.decide(id(2), SECRET, new Set([id(1)]), at(2))).toEqual({
		reason: "once",
		message: "this hub admits only one peer, and that peer has already joined",
	});
	expect(hub.decide(id(2), SECRET, NOBODY, at(3))?.reason).toBe("once");
	expect(hub.decide(id(1), SECRET, NOBODY, at(1e12))).toBeUndefined();
});

test("--expires admits no new peer from that moment on; admitted ones may come back", () => {
	const hub = admission({ expiresAt: 1000 });
	expect(hub.decide(id(1), SECRET, NOBODY, at(999))).toBeUndefined();
	expect(hub.closed(999)).toBe(false);
	expect(hub.closed(1000)).toBe(true);
	expect(hub.decide(id(2), SECRET, NOBODY, at(1000))).toEqual({
		reason: "expired",
		message: "the invitation has expired",
	});
	expect(hub.decide(id(1), SECRET, NOBODY, at(1e12))).toBeUndefined();
});

test("a peer without the secret learns nothing about the list, the number of peers or the time", () => {
	const hub = admission({ allow: new Set(), maxPeers: 1, once: true, expiresAt: 0 });
	expect(hub.decide(id(1), "x", new Set([id(2)]), at(5))?.reason).toBe("secret");
});

test("a hub that runs for a long time keeps nothing of the many peers that came and left", () => {
	for (const secret of [undefined, SECRET]) {
		const hub = admission({ secret });
		const used = () => {
			Bun.gc(true);
			return heapStats().heapSize + heapStats().extraMemorySize;
		};
		for (let i = 0; i < 1000; i++) hub.decide(id(i), secret, NOBODY, at(i));
		const before = used();
		for (let i = 0; i < 200_000; i++) hub.decide(id(i), secret, NOBODY, at(i));
		// 64 characters each, and their place in a table, would be more than 20 MB.
		expect(used() - before).toBeLessThan(8_000_000);
		expect(hub.decide(id(1), secret, NOBODY, at(0))).toBeUndefined();
	}
});
