// Which incoming connection gets the next handshake: paced, bounded, and fair to those that are not part of a flood.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { HandshakeQueue } from "../../../src/transport/handshake-queue.ts";
import {
	HANDSHAKE_BURST,
	HANDSHAKE_QUEUE_MAX,
	HANDSHAKES_MAX,
	HANDSHAKES_PER_HOST,
	HANDSHAKES_PER_RELAY,
	HANDSHAKES_PER_SECOND,
	KNOWN_SOURCE_PRIORITY,
	SOURCE_HISTORY_MS,
} from "../../../src/transport/limits.ts";

const from = (host: string, port = 1, known = false) => ({
	host,
	address: `${host}:${port}`,
	relayed: false,
	known: known ? host : undefined,
});

/** Serves everything that may be served at `now`; handshakes end at once or, without `finish`, never. */
function served<T>(queue: HandshakeQueue<T>, now: number, { finish = true } = {}): T[] {
	const items: T[] = [];
	for (let next = queue.next(now); next && "item" in next; next = queue.next(now)) {
		items.push(next.item);
		if (finish) queue.ended(next.source);
	}
	return items;
}

/** Uses up the burst with connections from this host. */
function useBurst(queue: HandshakeQueue<string>, host: string, now = 0): void {
	for (let i = 0; i < HANDSHAKE_BURST; i++) queue.add(`burst ${i}`, from(host, i % 8));
	expect(served(queue, now)).toHaveLength(HANDSHAKE_BURST);
}

test("a team that connects at once is served at once, in the order of arrival", () => {
	const queue = new HandshakeQueue<number>();
	for (let i = 0; i < HANDSHAKE_BURST; i++) queue.add(i, from(`10.0.0.${i}`));
	expect(served(queue, 5)).toEqual(Array.from({ length: HANDSHAKE_BURST }, (_, i) => i));
	expect(queue.next(5)).toBeUndefined();
});

test("after the burst, the announced wait is long enough and no longer", () => {
	const queue = new HandshakeQueue<string>();
	useBurst(queue, "10.0.0.1");
	queue.add("late", from("10.0.0.1"));
	const next = queue.next(0);
	if (!next || !("waitMs" in next)) throw new Error("it was served at once");
	expect(next.waitMs).toBeLessThanOrEqual(Math.ceil(1000 / HANDSHAKES_PER_SECOND));
	expect(queue.next(next.waitMs - 1)).toHaveProperty("waitMs");
	expect(queue.next(next.waitMs)).toMatchObject({ item: "late" });
});

test("a newcomer from elsewhere is served before the flood, and a neighbour on the flood's host before the busiest program", () => {
	const queue = new HandshakeQueue<string>();
	useBurst(queue, "10.0.0.1");
	for (let i = 0; i < 100; i++) queue.add("flood", from("10.0.0.1", i % 8));
	queue.add("neighbour", from("10.0.0.1", 9));
	queue.add("newcomer", from("10.0.0.2"));
	expect(served(queue, 2000 / HANDSHAKES_PER_SECOND)).toEqual(["newcomer", "neighbour"]);
});

test("a flood from ever new hosts does not keep a known peer waiting", () => {
	const queue = new HandshakeQueue<string>();
	useBurst(queue, "10.0.0.1");
	for (let i = 0; i < HANDSHAKE_QUEUE_MAX; i++) queue.add("flood", from(`10.1.${i >> 8}.${i & 255}`));
	expect(queue.add("known", from("10.0.0.9", 1, true))).toBe("flood");
	expect(served(queue, 1000 / HANDSHAKES_PER_SECOND)).toEqual(["known"]);
});

test("a known peer that reconnects has priority over a flood from ever new hosts, but not forever", () => {
	const queue = new HandshakeQueue<string>();
	let now = 0;
	for (let i = 0; i < HANDSHAKE_BURST; i++) queue.add("known", from("10.0.0.9", i % 3, true));
	served(queue, now);
	let order = "";
	for (let i = 0; i < 3; i++) {
		queue.add("flood", from(`10.1.0.${i}`));
		queue.add("known", from("10.0.0.9", 1, true));
	}
	const later = () => {
		now += 1000 / HANDSHAKES_PER_SECOND;
		return now;
	};
	for (let i = 0; i < 6; i++) order += `${served(queue, later())} `;
	// It has used up its priority.
	expect(order).toBe("flood flood flood known known known ");

	const fresh = new HandshakeQueue<string>();
	useBurst(fresh, "10.0.0.1");
	for (let i = 0; i < 4; i++) fresh.add("known", from("10.0.0.9", 1, true));
	for (let i = 0; i < 8; i++) fresh.add("flood", from(`10.1.0.${i}`));
	now = 0;
	expect([1, 2, 3, 4].map(() => served(fresh, later())[0])).toEqual(Array(4).fill("known"));
});

test("when too many are queued, a connection from the host that was served most is dropped", () => {
	const queue = new HandshakeQueue<string>();
	useBurst(queue, "10.0.0.1");
	for (let i = 0; i < HANDSHAKE_QUEUE_MAX; i++) queue.add("flood", from("10.0.0.1", i % 8));
	expect(queue.add("newcomer", from("10.0.0.2"))).toBe("flood");
	expect(queue.length).toBe(HANDSHAKE_QUEUE_MAX);
	expect(queue.add("one more", from("10.0.0.1", 3))).not.toBe("newcomer");
});

describe("handshakes that are never finished", () => {
	/** Queues handshakes that never finish, as fast as they are served; returns the time afterwards. */
	function stall(queue: HandshakeQueue<string>, count: number, host: (i: number) => string): number {
		let now = 0;
		for (let i = 0; i < count; i++) {
			queue.add("stalled", from(host(i), i));
			served(queue, now, { finish: false });
			now += 1000 / HANDSHAKES_PER_SECOND;
		}
		served(queue, now, { finish: false });
		return now + 1000 / HANDSHAKES_PER_SECOND;
	}

	test("from one host leave room for all other hosts", () => {
		const queue = new HandshakeQueue<string>();
		const now = stall(queue, 200, () => "10.0.0.1");
		expect(queue.pending).toBe(HANDSHAKES_PER_HOST);
		queue.add("newcomer", from("10.0.0.2"));
		expect(served(queue, now)).toEqual(["newcomer"]);
		queue.ended(from("10.0.0.1"));
		expect(served(queue, now + 1000, { finish: false }), "one of them has ended").toHaveLength(1);
	});

	test("from one host leave room in the queue, too, for as long as they last", () => {
		const queue = new HandshakeQueue<string>();
		let now = stall(queue, HANDSHAKES_PER_HOST, () => "10.0.0.1");
		for (let i = 0; i < HANDSHAKE_QUEUE_MAX; i++) queue.add("stalled", from("10.0.0.1", i));
		for (let second = 1; second <= 60; second++) {
			now += 1000;
			// New ones arrive all the time.
			for (let i = 0; i < 5; i++) queue.add("stalled", from("10.0.0.1", 1000 * second + i));
			expect(queue.add("newcomer", from(`10.3.0.${second}`)), `in second ${second}`).toBe("stalled");
			expect(served(queue, now)).toEqual(["newcomer"]);
		}
	});

	test("through a relay, whose clients share its address, take up half of the places and leave room for others", () => {
		const queue = new HandshakeQueue<string>();
		const relayed = (id: string) => ({ host: "https://relay.example/", address: id, relayed: true, known: undefined });
		let now = 0;
		for (let i = 0; i < HANDSHAKES_MAX; i++) {
			queue.add("stalled", relayed(`id ${i}`));
			served(queue, now, { finish: false });
			now += 1000 / HANDSHAKES_PER_SECOND;
		}
		expect(queue.pending).toBe(HANDSHAKES_PER_RELAY);
		queue.add("direct", from("10.0.0.2"));
		queue.add("known", { ...relayed("id of a known peer"), known: "id of a known peer" });
		expect(served(queue, now + 1000).toSorted()).toEqual(["direct", "known"]);
	});

	test("from ever new hosts do not keep a known peer out, and stay within their bound", () => {
		const queue = new HandshakeQueue<string>();
		let now = stall(queue, 2 * HANDSHAKES_MAX, (i) => `10.1.${i >> 8}.${i & 255}`);
		expect(queue.pending).toBe(HANDSHAKES_MAX);
		queue.add("newcomer", from("10.2.0.1"));
		queue.add("known", from("10.0.0.9", 1, true));
		expect(served(queue, now)).toEqual(["known"]);
		expect(queue.next(now), "no other handshake is allowed").toBeUndefined();
		queue.ended(from("10.1.0.0"));
		now += 1000 / HANDSHAKES_PER_SECOND;
		expect(served(queue, now, { finish: false }), "one more after one has ended").toHaveLength(1);
		expect(queue.pending).toBe(HANDSHAKES_MAX);
	});

	test("from a known peer's address are bounded, too", () => {
		const queue = new HandshakeQueue<string>();
		let now = stall(queue, 2 * HANDSHAKES_MAX, (i) => `10.1.${i >> 8}.${i & 255}`);
		for (let i = 0; i < 2 * KNOWN_SOURCE_PRIORITY; i++) {
			queue.add("known", from("10.0.0.9", i, true));
			now += 1000 / HANDSHAKES_PER_SECOND;
			served(queue, now, { finish: false });
		}
		expect(queue.pending).toBe(HANDSHAKES_MAX + KNOWN_SOURCE_PRIORITY);
	});
});

test("what a source did long ago is forgotten", () => {
	const queue = new HandshakeQueue<string>();
	useBurst(queue, "10.0.0.1");
	const later = 3 * SOURCE_HISTORY_MS;
	queue.add("other", from("10.0.0.2"));
	expect(served(queue, later)).toEqual(["other"]);
	queue.add("again", from("10.0.0.1"));
	queue.add("other again", from("10.0.0.2"));
	expect(served(queue, later)).toEqual(["again", "other again"]);
});

test("whatever arrives: never more than the burst and the rate, never more queued than allowed, and none lost", () => {
	const visit = fc.record({
		host: fc.nat(3),
		port: fc.nat(3),
		known: fc.boolean(),
		wait: fc.nat(50),
		many: fc.nat(100),
	});
	fc.assert(
		fc.property(fc.array(visit, { maxLength: 40 }), (visits) => {
			const queue = new HandshakeQueue<number>();
			const queued = new Set<number>();
			let now = 0;
			let came = 0;
			let count = 0;
			for (const { host, port, known, wait, many } of visits) {
				now += wait;
				for (let i = 0; i < many; i++) {
					queued.add(came);
					const dropped = queue.add(came++, from(`h${host}`, port, known));
					if (dropped !== undefined) expect(queued.delete(dropped)).toBe(true);
					expect(queue.length).toBe(queued.size);
					expect(queue.length).toBeLessThanOrEqual(HANDSHAKE_QUEUE_MAX);
				}
				for (const item of served(queue, now)) {
					expect(queued.delete(item)).toBe(true);
					count++;
				}
				expect(count).toBeLessThanOrEqual(HANDSHAKE_BURST + (now * HANDSHAKES_PER_SECOND) / 1000 + 1e-6);
			}
			// Whatever is queued is served in the end.
			for (let left = queue.length; left > 0; left--) {
				now += 1000 / HANDSHAKES_PER_SECOND + 1;
				const next = queue.next(now);
				if (!next || !("item" in next)) throw new Error("nothing was served, though something is queued");
				queue.ended(next.source);
			}
			expect(queue.next(now)).toBeUndefined();
			expect(queue.pending).toBe(0);
		}),
	);
});
