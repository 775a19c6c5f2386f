// Who may come in: each rule alone, with the words that the peer reads.

import { heapStats } from "bun:jsc";
import { describe, expect, test } from "bun:test";
import { Admission, type Policy, teamPolicy } from "../../../src/hub/admission.ts";
import { ADMITTED_IDS, MAX_PEERS, WRONG_SECRET_IDS, WRONG_SECRETS, WRONG_SECRETS_MS } from "../../../src/hub/limits.ts";
import { newSecret } from "../../../src/invite/secret.ts";

const SECRET = newSecret();
const NOBODY: ReadonlySet<string> = new Set();
const id = (n: number) => n.toString(16).padStart(64, "0");

const admission = (policy: Partial<Policy> = {}) => new Admission({ ...teamPolicy(SECRET), ...policy });

describe("the secret", () => {
	test("right: come in; wrong, none or a part of it: no", () => {
		const hub = admission();
		expect(hub.decide(id(1), SECRET, NOBODY, 0)).toBeUndefined();
		for (const [i, secret] of [undefined, "", newSecret(), SECRET.slice(1), SECRET.toUpperCase()].entries()) {
			expect(hub.decide(id(2 + i), secret, NOBODY, 0)).toEqual({
				reason: "secret",
				message: "the ticket is not, or no longer, valid at this hub",
			});
		}
	});

	test("an open hub asks for none, and takes any", () => {
		const hub = admission({ secret: undefined });
		expect(hub.decide(id(1), undefined, NOBODY, 0)).toBeUndefined();
		expect(hub.decide(id(2), newSecret(), NOBODY, 0)).toBeUndefined();
	});

	test("who is on the list needs it all the same", () => {
		const hub = admission({ allow: new Set([id(1)]) });
		expect(hub.decide(id(1), undefined, NOBODY, 0)?.reason).toBe("secret");
	});

	test("who came in before needs it all the same", () => {
		const hub = admission({ once: true });
		expect(hub.decide(id(1), SECRET, NOBODY, 0)).toBeUndefined();
		expect(hub.decide(id(1), newSecret(), NOBODY, 0)?.reason).toBe("secret");
	});
});

describe("wrong secrets", () => {
	test("three a minute from one id; after that not even the right one, until the first is a minute old", () => {
		const hub = admission();
		for (let i = 0; i < WRONG_SECRETS; i++) expect(hub.decide(id(1), "x", NOBODY, i)?.reason).toBe("secret");
		expect(hub.decide(id(1), "x", NOBODY, 10)).toEqual({
			reason: "rate",
			message: "too many wrong tickets; wait a minute",
		});
		expect(hub.decide(id(1), SECRET, NOBODY, WRONG_SECRETS_MS - 1)?.reason).toBe("rate");
		expect(hub.decide(id(1), SECRET, NOBODY, WRONG_SECRETS_MS)).toBeUndefined();
	});

	test("attempts that are turned away unseen do not make the wait longer", () => {
		const hub = admission();
		for (let i = 0; i < WRONG_SECRETS; i++) hub.decide(id(1), "x", NOBODY, 0);
		for (let at = 1; at < WRONG_SECRETS_MS; at += 100) hub.decide(id(1), "x", NOBODY, at);
		expect(hub.decide(id(1), SECRET, NOBODY, WRONG_SECRETS_MS)).toBeUndefined();
	});

	test("of one id do not count for another", () => {
		const hub = admission();
		for (let i = 0; i < 10; i++) hub.decide(id(1), "x", NOBODY, 0);
		expect(hub.decide(id(2), SECRET, NOBODY, 0)).toBeUndefined();
	});

	test("are forgotten for the oldest id when too many ids have sent some", () => {
		const hub = admission();
		for (let i = 0; i < WRONG_SECRETS; i++) hub.decide(id(0), "x", NOBODY, 0);
		for (let i = 1; i < WRONG_SECRET_IDS; i++) hub.decide(id(i), "x", NOBODY, 1);
		expect(hub.decide(id(0), SECRET, NOBODY, 2)?.reason).toBe("rate");
		hub.decide(id(WRONG_SECRET_IDS), "x", NOBODY, 2);
		expect(hub.decide(id(0), SECRET, NOBODY, 2)).toBeUndefined();
	});
});

test("of too many that came before the invitation expired, the oldest are forgotten", () => {
	const hub = admission({ expiresAt: 100 });
	for (let i = 0; i <= ADMITTED_IDS; i++) expect(hub.decide(id(i), SECRET, NOBODY, 0)).toBeUndefined();
	expect(hub.decide(id(0), SECRET, NOBODY, 100)?.reason).toBe("expired");
	expect(hub.decide(id(1), SECRET, NOBODY, 100)).toBeUndefined();
	expect(hub.decide(id(ADMITTED_IDS), SECRET, NOBODY, 100)).toBeUndefined();
});

test("--allow: only who is on the list", () => {
	const hub = admission({ allow: new Set([id(1)]) });
	expect(hub.decide(id(1), SECRET, NOBODY, 0)).toBeUndefined();
	expect(hub.decide(id(2), SECRET, NOBODY, 0)).toEqual({
		reason: "id",
		message: "this hub admits only the peers on its list",
	});
	expect(admission({ allow: new Set() }).decide(id(1), SECRET, NOBODY, 0)?.reason).toBe("id");
});

test("--allow on an open hub: who is on the list, without a secret", () => {
	const hub = admission({ secret: undefined, allow: new Set([id(1)]) });
	expect(hub.decide(id(1), undefined, NOBODY, 0)).toBeUndefined();
	expect(hub.decide(id(2), undefined, NOBODY, 0)?.reason).toBe("id");
});

describe("--max-peers", () => {
	test("32 when not given, and one more is told that the hub is full", () => {
		const hub = admission();
		const connected = new Set<string>();
		for (let i = 0; i < MAX_PEERS; i++) {
			expect(hub.decide(id(i), SECRET, connected, 0)).toBeUndefined();
			connected.add(id(i));
		}
		expect(MAX_PEERS).toBe(32);
		expect(hub.decide(id(99), SECRET, connected, 0)).toEqual({ reason: "full", message: "the hub is full" });
		connected.delete(id(7));
		expect(hub.decide(id(99), SECRET, connected, 0)).toBeUndefined();
	});

	test("a second connection of one that is in needs no place of its own", () => {
		const hub = admission({ maxPeers: 1 });
		hub.decide(id(1), SECRET, NOBODY, 0);
		expect(hub.decide(id(1), SECRET, new Set([id(1)]), 0)).toBeUndefined();
		expect(hub.decide(id(2), SECRET, new Set([id(1)]), 0)?.reason).toBe("full");
	});

	test("one that was in and has left has no place kept", () => {
		const hub = admission({ maxPeers: 1 });
		hub.decide(id(1), SECRET, NOBODY, 0);
		hub.decide(id(2), SECRET, NOBODY, 0);
		expect(hub.decide(id(1), SECRET, new Set([id(2)]), 0)?.reason).toBe("full");
	});

	test("one that was turned away because the hub was full has not used up --once", () => {
		const hub = admission({ once: true, maxPeers: 1 });
		expect(hub.decide(id(1), SECRET, new Set([id(9)]), 0)?.reason).toBe("full");
		expect(hub.closed(0)).toBe(false);
		expect(hub.decide(id(2), SECRET, NOBODY, 0)).toBeUndefined();
	});
});

test("--once: one peer, which may come back, and nobody else", () => {
	const hub = admission({ once: true });
	expect(hub.closed(0)).toBe(false);
	expect(hub.decide(id(9), "x", NOBODY, 0)?.reason).toBe("secret");
	expect(hub.closed(0)).toBe(false);
	expect(hub.decide(id(1), SECRET, NOBODY, 0)).toBeUndefined();
	expect(hub.closed(0)).toBe(true);
	expect(hub.decide(id(1), SECRET, new Set([id(1)]), 1)).toBeUndefined();
	expect(hub.decide(id(2), SECRET, new Set([id(1)]), 2)).toEqual({
		reason: "once",
		message: "this hub admits one peer only, and it has come",
	});
	expect(hub.decide(id(2), SECRET, NOBODY, 3)?.reason).toBe("once");
	expect(hub.decide(id(1), SECRET, NOBODY, 1e12)).toBeUndefined();
});

test("--expires: nobody new from that moment on; who was in may come back", () => {
	const hub = admission({ expiresAt: 1000 });
	expect(hub.decide(id(1), SECRET, NOBODY, 999)).toBeUndefined();
	expect(hub.closed(999)).toBe(false);
	expect(hub.closed(1000)).toBe(true);
	expect(hub.decide(id(2), SECRET, NOBODY, 1000)).toEqual({ reason: "expired", message: "the invitation has expired" });
	expect(hub.decide(id(1), SECRET, NOBODY, 1e12)).toBeUndefined();
});

test("who does not know the secret is told nothing about the list, the places, or the time", () => {
	const hub = admission({ allow: new Set(), maxPeers: 1, once: true, expiresAt: 0 });
	expect(hub.decide(id(1), "x", new Set([id(2)]), 5)?.reason).toBe("secret");
});

test("a hub that runs for long keeps nothing of the many who came and left", () => {
	for (const secret of [undefined, SECRET]) {
		const hub = admission({ secret });
		const used = () => {
			Bun.gc(true);
			return heapStats().heapSize + heapStats().extraMemorySize;
		};
		for (let i = 0; i < 1000; i++) hub.decide(id(i), secret, NOBODY, i);
		const before = used();
		for (let i = 0; i < 200_000; i++) hub.decide(id(i), secret, NOBODY, i);
		// 64 characters each, and their place in a table, would be more than 20 MB.
		expect(used() - before).toBeLessThan(8_000_000);
		expect(hub.decide(id(1), secret, NOBODY, 0)).toBeUndefined();
	}
});
