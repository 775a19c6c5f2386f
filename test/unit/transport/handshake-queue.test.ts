// Who may come next: paced, bounded, and fair to whoever is not part of a flood.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { HandshakeQueue } from "../../../src/transport/handshake-queue.ts";
import {
	ARRIVALS_BURST,
	ARRIVALS_KNOWN,
	ARRIVALS_MAX,
	ARRIVALS_PER_SECOND,
	ARRIVALS_WINDOW_MS,
	HANDSHAKES_MAX,
	HANDSHAKES_PER_HOST,
	HANDSHAKES_PER_RELAY,
} from "../../../src/transport/limits.ts";

const from = (host: string, port = 1, known = false) => ({
	host,
	address: `${host}:${port}`,
	relayed: false,
	known: known ? host : undefined,
});

/** Serves everything that may be served at `now`; handshakes end at once, or never. */
function served<T>(arrivals: HandshakeQueue<T>, now: number, { finish = true } = {}): T[] {
	const items: T[] = [];
	for (let next = arrivals.next(now); next && "item" in next; next = arrivals.next(now)) {
		items.push(next.item);
		if (finish) arrivals.ended(next.source);
	}
	return items;
}

/** Uses up the burst with connections of this host. */
function crowd(arrivals: HandshakeQueue<string>, host: string, now = 0): void {
	for (let i = 0; i < ARRIVALS_BURST; i++) arrivals.add(`burst ${i}`, from(host, i % 8));
	expect(served(arrivals, now)).toHaveLength(ARRIVALS_BURST);
}

test("a team that comes at once is served at once, in the order of its coming", () => {
	const arrivals = new HandshakeQueue<number>();
	for (let i = 0; i < ARRIVALS_BURST; i++) arrivals.add(i, from(`10.0.0.${i}`));
	expect(served(arrivals, 5)).toEqual(Array.from({ length: ARRIVALS_BURST }, (_, i) => i));
	expect(arrivals.next(5)).toBeUndefined();
});

test("after the burst the wait that it tells is long enough, and not longer", () => {
	const arrivals = new HandshakeQueue<string>();
	crowd(arrivals, "10.0.0.1");
	arrivals.add("late", from("10.0.0.1"));
	const next = arrivals.next(0);
	if (!next || !("wait" in next)) throw new Error("it came at once");
	expect(next.wait).toBeLessThanOrEqual(Math.ceil(1000 / ARRIVALS_PER_SECOND));
	expect(arrivals.next(next.wait - 1)).toHaveProperty("wait");
	expect(arrivals.next(next.wait)).toMatchObject({ item: "late" });
});

test("a newcomer from elsewhere comes before the flood, and another program of the flood's host before its busiest", () => {
	const arrivals = new HandshakeQueue<string>();
	crowd(arrivals, "10.0.0.1");
	for (let i = 0; i < 100; i++) arrivals.add("flood", from("10.0.0.1", i % 8));
	arrivals.add("neighbour", from("10.0.0.1", 9));
	arrivals.add("newcomer", from("10.0.0.2"));
	expect(served(arrivals, 2000 / ARRIVALS_PER_SECOND)).toEqual(["newcomer", "neighbour"]);
});

test("a flood from ever new hosts does not keep a known peer waiting", () => {
	const arrivals = new HandshakeQueue<string>();
	crowd(arrivals, "10.0.0.1");
	for (let i = 0; i < ARRIVALS_MAX; i++) arrivals.add("flood", from(`10.1.${i >> 8}.${i & 255}`));
	expect(arrivals.add("known", from("10.0.0.9", 1, true))).toBe("flood");
	expect(served(arrivals, 1000 / ARRIVALS_PER_SECOND)).toEqual(["known"]);
});

test("a known peer that has come before still comes before a flood from ever new hosts, and not without end", () => {
	const arrivals = new HandshakeQueue<string>();
	let now = 0;
	for (let i = 0; i < ARRIVALS_BURST; i++) arrivals.add("known", from("10.0.0.9", i % 3, true));
	served(arrivals, now);
	let order = "";
	for (let i = 0; i < 3; i++) {
		arrivals.add("flood", from(`10.1.0.${i}`));
		arrivals.add("known", from("10.0.0.9", 1, true));
	}
	const later = () => {
		now += 1000 / ARRIVALS_PER_SECOND;
		return now;
	};
	for (let i = 0; i < 6; i++) order += `${served(arrivals, later())} `;
	// It has used up its favour.
	expect(order).toBe("flood flood flood known known known ");

	const fresh = new HandshakeQueue<string>();
	crowd(fresh, "10.0.0.1");
	for (let i = 0; i < 4; i++) fresh.add("known", from("10.0.0.9", 1, true));
	for (let i = 0; i < 8; i++) fresh.add("flood", from(`10.1.0.${i}`));
	now = 0;
	expect([1, 2, 3, 4].map(() => served(fresh, later())[0])).toEqual(Array(4).fill("known"));
});

test("when too many wait, the host that has had most is turned away", () => {
	const arrivals = new HandshakeQueue<string>();
	crowd(arrivals, "10.0.0.1");
	for (let i = 0; i < ARRIVALS_MAX; i++) arrivals.add("flood", from("10.0.0.1", i % 8));
	expect(arrivals.add("newcomer", from("10.0.0.2"))).toBe("flood");
	expect(arrivals.length).toBe(ARRIVALS_MAX);
	expect(arrivals.add("one more", from("10.0.0.1", 3))).not.toBe("newcomer");
});

describe("handshakes that are never finished", () => {
	/** Unfinished ones from so many hosts, as fast as they may come; returns the time. */
	function stall(arrivals: HandshakeQueue<string>, count: number, host: (i: number) => string): number {
		let now = 0;
		for (let i = 0; i < count; i++) {
			arrivals.add("stalled", from(host(i), i));
			served(arrivals, now, { finish: false });
			now += 1000 / ARRIVALS_PER_SECOND;
		}
		served(arrivals, now, { finish: false });
		return now + 1000 / ARRIVALS_PER_SECOND;
	}

	test("of one host leave room for all others", () => {
		const arrivals = new HandshakeQueue<string>();
		const now = stall(arrivals, 200, () => "10.0.0.1");
		expect(arrivals.underWay).toBe(HANDSHAKES_PER_HOST);
		arrivals.add("newcomer", from("10.0.0.2"));
		expect(served(arrivals, now)).toEqual(["newcomer"]);
		arrivals.ended(from("10.0.0.1"));
		expect(served(arrivals, now + 1000, { finish: false }), "one of them has ended").toHaveLength(1);
	});

	test("of one host leave room in the line, too, for as long as they last", () => {
		const arrivals = new HandshakeQueue<string>();
		let now = stall(arrivals, HANDSHAKES_PER_HOST, () => "10.0.0.1");
		for (let i = 0; i < ARRIVALS_MAX; i++) arrivals.add("stalled", from("10.0.0.1", i));
		for (let second = 1; second <= 60; second++) {
			now += 1000;
			// Some come anew all the time.
			for (let i = 0; i < 5; i++) arrivals.add("stalled", from("10.0.0.1", 1000 * second + i));
			expect(arrivals.add("newcomer", from(`10.3.0.${second}`)), `in second ${second}`).toBe("stalled");
			expect(served(arrivals, now)).toEqual(["newcomer"]);
		}
	});

	test("by a relay, where all have its address, are half of all and leave room for who comes directly", () => {
		const arrivals = new HandshakeQueue<string>();
		const relayed = (id: string) => ({ host: "https://relay.example/", address: id, relayed: true, known: undefined });
		let now = 0;
		for (let i = 0; i < HANDSHAKES_MAX; i++) {
			arrivals.add("stalled", relayed(`id ${i}`));
			served(arrivals, now, { finish: false });
			now += 1000 / ARRIVALS_PER_SECOND;
		}
		expect(arrivals.underWay).toBe(HANDSHAKES_PER_RELAY);
		arrivals.add("direct", from("10.0.0.2"));
		arrivals.add("known", { ...relayed("id of a known peer"), known: "id of a known peer" });
		expect(served(arrivals, now + 1000).toSorted()).toEqual(["direct", "known"]);
	});

	test("of ever new hosts do not keep a known peer out, and are no more than may be", () => {
		const arrivals = new HandshakeQueue<string>();
		let now = stall(arrivals, 2 * HANDSHAKES_MAX, (i) => `10.1.${i >> 8}.${i & 255}`);
		expect(arrivals.underWay).toBe(HANDSHAKES_MAX);
		arrivals.add("newcomer", from("10.2.0.1"));
		arrivals.add("known", from("10.0.0.9", 1, true));
		expect(served(arrivals, now)).toEqual(["known"]);
		expect(arrivals.next(now), "nobody else may come").toBeUndefined();
		arrivals.ended(from("10.1.0.0"));
		now += 1000 / ARRIVALS_PER_SECOND;
		expect(served(arrivals, now, { finish: false }), "one has ended").toHaveLength(1);
		expect(arrivals.underWay).toBe(HANDSHAKES_MAX);
	});

	test("of a known peer's address are bounded, too", () => {
		const arrivals = new HandshakeQueue<string>();
		let now = stall(arrivals, 2 * HANDSHAKES_MAX, (i) => `10.1.${i >> 8}.${i & 255}`);
		for (let i = 0; i < 2 * ARRIVALS_KNOWN; i++) {
			arrivals.add("known", from("10.0.0.9", i, true));
			now += 1000 / ARRIVALS_PER_SECOND;
			served(arrivals, now, { finish: false });
		}
		expect(arrivals.underWay).toBe(HANDSHAKES_MAX + ARRIVALS_KNOWN);
	});
});

test("what somebody did long ago is forgotten", () => {
	const arrivals = new HandshakeQueue<string>();
	crowd(arrivals, "10.0.0.1");
	const later = 3 * ARRIVALS_WINDOW_MS;
	arrivals.add("other", from("10.0.0.2"));
	expect(served(arrivals, later)).toEqual(["other"]);
	arrivals.add("again", from("10.0.0.1"));
	arrivals.add("other again", from("10.0.0.2"));
	expect(served(arrivals, later)).toEqual(["again", "other again"]);
});

test("whatever comes: never more than the burst and the rate, never more waiting than may, nobody lost", () => {
	const knock = fc.record({
		host: fc.nat(3),
		port: fc.nat(3),
		known: fc.boolean(),
		wait: fc.nat(50),
		many: fc.nat(100),
	});
	fc.assert(
		fc.property(fc.array(knock, { maxLength: 40 }), (knocks) => {
			const arrivals = new HandshakeQueue<number>();
			const inside = new Set<number>();
			let now = 0;
			let came = 0;
			let count = 0;
			for (const { host, port, known, wait, many } of knocks) {
				now += wait;
				for (let i = 0; i < many; i++) {
					inside.add(came);
					const turnedAway = arrivals.add(came++, from(`h${host}`, port, known));
					if (turnedAway !== undefined) expect(inside.delete(turnedAway)).toBe(true);
					expect(arrivals.length).toBe(inside.size);
					expect(arrivals.length).toBeLessThanOrEqual(ARRIVALS_MAX);
				}
				for (const item of served(arrivals, now)) {
					expect(inside.delete(item)).toBe(true);
					count++;
				}
				expect(count).toBeLessThanOrEqual(ARRIVALS_BURST + (now * ARRIVALS_PER_SECOND) / 1000 + 1e-6);
			}
			// Whoever waits is served in the end.
			for (let left = arrivals.length; left > 0; left--) {
				now += 1000 / ARRIVALS_PER_SECOND + 1;
				const next = arrivals.next(now);
				if (!next || !("item" in next)) throw new Error("nobody came, though somebody waits");
				arrivals.ended(next.source);
			}
			expect(arrivals.next(now)).toBeUndefined();
			expect(arrivals.underWay).toBe(0);
		}),
	);
});
