// The bridge between two ends in memory, with every chunking, order and pause that fast-check comes up with: bytes in
// are bytes out, then the end; failures show where they must and nowhere else. Compared with
// test/support/naive-bridge.ts.
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import fc from "fast-check";
import { bridge, newTraffic, type Traffic } from "../../src/forward/bridge.ts";
import { MemoryDuplex, type Script } from "../support/memory-duplex.ts";
import { naiveBridge } from "../support/naive-bridge.ts";

const RUNS = { numRuns: 300 };

const kind = fc.constantFrom("socket" as const, "stream" as const);
const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 6 }), { maxLength: 5 });
const someChunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 });
const everything = { takes: Number.POSITIVE_INFINITY, afterwards: "stalls" as const };

/** Sends everything, ends cleanly, and takes everything. */
const polite: fc.Arbitrary<Script> = fc
	.record({ kind, sends: chunks })
	.map((it) => ({ ...it, ...everything, ends: "fin" }));

/** Does anything that another program may do. */
const anyone: fc.Arbitrary<Script> = fc.record({
	kind,
	sends: chunks,
	ends: fc.constantFrom("fin" as const, "fin" as const, "reset" as const, "silence" as const, "fin, gone" as const),
	takes: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.nat(20)),
	afterwards: fc.constantFrom("stops" as const, "stalls" as const),
});

/** When the grace period of a reset ends: at any time, or only once nothing else can move. */
type Grace = "at any time" | "last";

interface Outcome {
	a: MemoryDuplex;
	b: MemoryDuplex;
	traffic: Traffic;
	/** What the bridge resolved with; undefined while it has not. */
	result: { error: Error | undefined } | undefined;
	/** The bridge waited for a silent side and was aborted from outside, as on shutdown. */
	rescued: boolean;
}

let sleeping: (() => void)[] = [];
let sleep: () => Promise<void> = () => Promise.resolve();
let spy: { mockRestore(): void };

beforeEach(() => {
	spy = spyOn(Bun, "sleep").mockImplementation(() => sleep());
});

afterEach(() => spy.mockRestore());

async function run(
	scheduler: fc.Scheduler,
	[left, right]: readonly [Script, Script],
	{ copy = bridge, grace = "at any time" as Grace } = {},
): Promise<Outcome> {
	const turn = (label: string) => scheduler.schedule(Promise.resolve(), label);
	sleeping = [];
	sleep = () =>
		grace === "at any time"
			? turn("the grace ends")
			: new Promise((resolve) => {
					sleeping.push(resolve);
				});
	const a = new MemoryDuplex("a", left, turn);
	const b = new MemoryDuplex("b", right, turn);
	[a.sink, b.sink] = [b, a];
	const outcome: Outcome = { a, b, traffic: newTraffic(), result: undefined, rescued: false };
	void copy(a, b, outcome.traffic).then((error) => {
		outcome.result = { error };
	});
	await untilIdle(scheduler);
	while (sleeping.length > 0) {
		for (const wake of sleeping.splice(0)) wake();
		await untilIdle(scheduler);
	}
	if (!outcome.result && [left, right].some(({ ends, afterwards }) => ends === "silence" || afterwards === "stalls")) {
		outcome.rescued = true;
		a.abort();
		b.abort();
		await untilIdle(scheduler);
	}
	expect([...a.breaches, ...b.breaches]).toEqual([]);
	expect(outcome.result, "the bridge never ends").toBeDefined();
	return outcome;
}

/** Lets every step happen, in the order that fast-check chooses, until none is left. */
async function untilIdle(scheduler: fc.Scheduler): Promise<void> {
	for (;;) {
		await new Promise(setImmediate);
		if (scheduler.count() === 0) return;
		await scheduler.waitOne();
	}
}

/** Runs the steps in the order in which they became possible, so that two implementations can be compared. */
function inOrder(pair: readonly [Script, Script], copy: typeof bridge): Promise<Outcome> {
	const [scheduler] = fc.sample(fc.scheduler(), { numRuns: 1, seed: 1 }) as [fc.Scheduler];
	return run(scheduler, pair, { copy, grace: "last" });
}

const forAll = <T>(arbitrary: fc.Arbitrary<T>, check: (scheduler: fc.Scheduler, value: T) => Promise<void>) =>
	fc.assert(fc.asyncProperty(fc.scheduler(), arbitrary, check), RUNS);

test("bytes in are bytes out, then the end, in both directions", async () => {
	await forAll(fc.tuple(polite, polite), async (scheduler, pair) => {
		const { a, b, traffic, result } = await run(scheduler, pair);
		expect(b.received).toEqual(a.sends);
		expect(a.received).toEqual(b.sends);
		expect([a.incoming, a.outgoing, b.incoming, b.outgoing]).toEqual(["fin", "fin", "fin", "fin"]);
		expect(result?.error).toBeUndefined();
		expect(traffic).toMatchObject({ forth: a.sends.length, back: b.sends.length, copied: true });
		expect([a.aborts, b.aborts]).toEqual([0, 0]);
	});
});

test("one side may end long before the other has begun", async () => {
	await forAll(fc.tuple(polite, someChunks, kind), async (scheduler, [first, sends, kind]) => {
		const firstOver = Promise.withResolvers<void>();
		const turn = (label: string) => scheduler.schedule(Promise.resolve(), label);
		const late = (label: string) => (label.startsWith("b sends") ? firstOver.promise : turn(label));
		const a = new MemoryDuplex("a", first, turn);
		const b = new MemoryDuplex("b", { ...everything, kind, sends, ends: "fin" }, late);
		const bridging = bridge(a, b);
		await untilIdle(scheduler);
		expect(b.received).toEqual(a.sends);
		expect([b.outgoing, a.outgoing]).toEqual(["fin", undefined]);
		firstOver.resolve();
		await untilIdle(scheduler);
		expect(await bridging).toBeUndefined();
		expect(a.received).toEqual(b.sends);
		expect(a.outgoing).toBe("fin");
	});
});

test("a reset on one side aborts the other, after the bytes before it", async () => {
	const resetting = polite.map((it): Script => ({ ...it, ends: "reset" }));
	await forAll(fc.tuple(resetting, anyone), async (scheduler, [left, other]) => {
		// The other side takes everything and never ends by itself.
		const right: Script = { ...other, ...everything, ends: "silence" };
		const { a, b, result, rescued } = await run(scheduler, [left, right], { grace: "last" });
		expect(rescued).toBe(false);
		expect(b.received).toEqual(a.sends);
		expect([a.incoming, b.outgoing]).toEqual(["reset", "aborted"]);
		// A socket that was reset takes nothing more either, and that may show first.
		expect(["aborted", "cancelled"]).toContain(b.incoming as string);
		expect(a.outgoing).not.toBe("fin");
		expect(result?.error).toBeInstanceOf(Error);
	});
});

test("a reset is passed on even if the other side takes nothing more", async () => {
	await forAll(fc.tuple(someChunks, fc.nat(3)), async (scheduler, [sends, takes]) => {
		const left: Script = { ...everything, kind: "socket", sends, ends: "reset" };
		const right: Script = { kind: "stream", sends: [], ends: "silence", takes, afterwards: "stalls" };
		const { a, b, result, rescued } = await run(scheduler, [left, right]);
		expect(rescued).toBe(false);
		expect(a.sends.slice(0, b.received.length)).toEqual(b.received);
		expect(b.outgoing).toBe("aborted");
		expect(result?.error).toBeInstanceOf(Error);
	});
});

test("a failed write lets the other direction finish and aborts nothing", async () => {
	const stopping = polite.map((it): Script => ({ ...it, kind: "stream", takes: 0, afterwards: "stops" }));
	const talking = fc.record({ kind, sends: someChunks }).map((it): Script => ({ ...it, ...everything, ends: "fin" }));
	await forAll(fc.tuple(stopping, talking, fc.nat(3)), async (scheduler, [left, right, takes]) => {
		fc.pre(right.sends.reduce((sum, { length }) => sum + length, 0) > takes);
		const { a, b, result } = await run(scheduler, [{ ...left, takes }, right]);
		expect(a.received).toEqual(b.sends.slice(0, takes));
		expect(b.received).toEqual(a.sends);
		expect([a.outgoing, b.outgoing]).toEqual(["lost", "fin"]);
		expect(result?.error).toBeInstanceOf(Error);
		// On TCP an abort after the FIN destroys the bytes that are still in flight.
		expect([a.aborts, b.aborts], "aborted after a clean end").toEqual([0, 0]);
	});
});

test("whatever both sides do: each direction ends once, a FIN follows every byte, and nothing is left pending", async () => {
	await forAll(fc.tuple(anyone, anyone), async (scheduler, pair) => {
		const { a, b, result } = await run(scheduler, pair);
		for (const [one, other] of [
			[a, b],
			[b, a],
		] as const) {
			expect(one.incoming).toBeDefined();
			expect(one.outgoing).toBeDefined();
			expect(one.sends.slice(0, other.received.length)).toEqual(other.received);
			if (other.outgoing === "fin") expect(other.received).toEqual(one.sends);
		}
		const clean = [a.incoming, a.outgoing, b.incoming, b.outgoing].every((how) => how === "fin");
		expect(result?.error === undefined).toBe(clean);
	});
});

test("a silent service is told that its client ended its request and then left", async () => {
	await forAll(fc.tuple(chunks, kind), async (scheduler, [sends, kind]) => {
		const client: Script = { ...everything, kind: "socket", sends, ends: "fin, gone" };
		const service: Script = { ...everything, kind, sends: [], ends: "silence" };
		const { a, b, result, rescued } = await run(scheduler, [client, service]);
		expect(rescued).toBe(false);
		expect(result?.error?.message).toBe("a: gone");
		expect(b.received).toEqual(a.sends);
		expect(b.outgoing).toBe("fin");
		expect(["aborted", "cancelled"]).toContain(b.incoming as string);
	});
});

test("the bridge agrees with the slow, obvious implementation", async () => {
	const quitter = fc
		.record({ sends: chunks, takes: fc.nat(20) })
		.map((it): Script => ({ ...it, kind: "stream", ends: "fin", afterwards: "stops" }));
	const pairs = fc.oneof(fc.tuple(polite, polite), fc.tuple(quitter, polite), fc.tuple(polite, quitter));
	const seen = ({ a, b, traffic, result }: Outcome) => ({
		received: [a.received, b.received],
		outgoing: [a.outgoing, b.outgoing],
		// The slow one counts a partly taken chunk byte by byte; the bridge does not count it.
		traffic: a.outgoing === "fin" && b.outgoing === "fin" ? [traffic.forth, traffic.back] : [],
		copied: traffic.copied,
		clean: result?.error === undefined,
		aborts: [a.aborts, b.aborts],
	});
	await fc.assert(
		fc.asyncProperty(pairs, async (pair) => {
			expect(seen(await inOrder(pair, bridge))).toEqual(seen(await inOrder(pair, naiveBridge)));
		}),
		RUNS,
	);
});

test("the in-memory ends notice a bridge that ignores backpressure", async () => {
	/** Reads on without waiting for the sink. */
	const flooding = async (a: MemoryDuplex, b: MemoryDuplex) => {
		for (let bytes = await a.read(); bytes; bytes = await a.read()) void b.write(bytes).catch(() => {});
	};
	const pause = Promise.withResolvers<void>();
	const script: Script = { ...everything, kind: "socket", sends: [Uint8Array.of(1), Uint8Array.of(2)], ends: "fin" };
	const a = new MemoryDuplex("a", script, () => Promise.resolve());
	const b = new MemoryDuplex("b", { ...script, sends: [] }, () => pause.promise);
	a.sink = b;
	await flooding(a, b);
	expect(a.breaches).toContain("a: a chunk read before the last one was taken");
	expect(b.breaches).toContain("b: two writes at once");
	pause.resolve();
});
