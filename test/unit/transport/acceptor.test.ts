// The endpoint's door over connections that knock on command: what becomes of those whose handshake never ends, and who
// has to prove where it comes from. With real connections: test/e2e/accept.test.ts.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { Acceptor } from "../../../src/transport/acceptor.ts";
import type { Incoming, Endpoint as NativeEndpoint } from "../../../src/transport/iroh.ts";
import { ARRIVALS_CROWDED, ARRIVALS_MAX, ARRIVALS_PER_SECOND, HANDSHAKES_MAX } from "../../../src/transport/limits.ts";
import { Clock } from "../../support/far-hub.ts";
import { turn } from "../../support/native-halves.ts";

/** One that knocks; its handshake hangs until the test ends it. */
class Knock {
	/** What was made of it. */
	fate: "accepted" | "asked to prove its address" | "ignored" | undefined;
	readonly handshake = Promise.withResolvers<never>();
	#addr: string;
	#proven: boolean;

	constructor(addr: string, proven = false) {
		this.#addr = addr;
		this.#proven = proven;
		this.handshake.promise.catch(() => {});
	}

	remoteAddr = async () => ({ addr: this.#addr });
	remoteAddrValidated = async () => this.#proven;
	retry = async () => {
		this.fate = "asked to prove its address";
	};
	ignore = async () => {
		this.fate = "ignored";
	};
	accept = async () => {
		this.fate = "accepted";
		return { connect: () => this.handshake.promise };
	};
}

let clock: Clock;
let door: Acceptor;
let opened: Promise<void>;
let errors: string[];
/** The next one that knocks; null: the endpoint is closed. */
let knocking: ((knock: Knock | null) => void)[];
let queue: (Knock | null)[];

beforeEach(() => {
	clock = new Clock();
	errors = [];
	knocking = [];
	queue = [];
	const native = {
		acceptNext: () =>
			new Promise<Incoming | null>((resolve) => {
				const next = queue.shift();
				const give = (knock: Knock | null) => resolve(knock as unknown as Incoming | null);
				if (next === undefined) knocking.push(give);
				else give(next);
			}),
		isClosed: () => true,
	} as unknown as NativeEndpoint;
	door = new Acceptor(native, {
		onConnection() {},
		onError: (error) => errors.push(error),
		isKnown: (host) => host === "10.9.9.9",
		stop: new AbortController().signal,
	});
	opened = door.open();
});

afterEach(async () => {
	knock(null);
	await opened;
	clock.restore();
});

function knock<K extends Knock | null>(one: K): K {
	const waiting = knocking.shift();
	if (waiting) waiting(one);
	else queue.push(one);
	return one;
}

/** So many strangers, each from a host of its own, whose handshakes never end. */
async function stall(count: number, proven: boolean): Promise<Knock[]> {
	const all: Knock[] = [];
	for (let i = 0; i < count; i++) {
		all.push(knock(new Knock(`10.1.${i >> 8}.${i & 255}:1000`, proven)));
		await turn();
		await clock.pass(1000 / ARRIVALS_PER_SECOND);
	}
	return all;
}

test("strangers who never finish their handshakes have to prove their addresses soon, which forged ones cannot", async () => {
	const all = await stall(2 * ARRIVALS_CROWDED, false);
	expect(all.map(({ fate }) => fate)).toEqual([
		...Array(ARRIVALS_CROWDED).fill("accepted"),
		...Array(ARRIVALS_CROWDED).fill("asked to prove its address"),
	]);
	expect(door.handshakes.size).toBe(ARRIVALS_CROWDED);
});

test("strangers who prove their addresses and never finish do not keep a known peer out", async () => {
	await stall(HANDSHAKES_MAX + 20, true);
	expect(door.handshakes.size).toBe(HANDSHAKES_MAX);
	const known = knock(new Knock("10.9.9.9:7", true));
	await turn();
	await clock.pass(1000 / ARRIVALS_PER_SECOND);
	expect(known.fate).toBe("accepted");
});

test("who is turned away because too many wait is ignored, and the hub's owner is told", async () => {
	const all = await stall(HANDSHAKES_MAX, true);
	expect(all.at(-1)?.fate).toBe("accepted");
	for (let i = 0; i <= ARRIVALS_MAX; i++) all.push(knock(new Knock(`10.2.${i >> 8}.${i & 255}:1`, true)));
	await turn();
	await turn();
	expect(all.filter(({ fate }) => fate === "ignored")).toHaveLength(1);
	expect(errors).toEqual(["too many at once"]);
});

test("the place of a handshake that failed is taken by the next in the line", async () => {
	const all = await stall(HANDSHAKES_MAX + 1, true);
	expect(all.at(-1)?.fate).toBeUndefined();
	all[0]?.handshake.reject(new Error("timed out"));
	await turn();
	await clock.pass(1000 / ARRIVALS_PER_SECOND);
	expect(all.at(-1)?.fate).toBe("accepted");
	expect(errors).toEqual(["timed out"]);
});
