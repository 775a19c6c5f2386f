// When a name is asked for again, and what is used meanwhile: over lookups and a clock that the test moves.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { RESOLVED_MS } from "../../../src/forward/limits.ts";
import { Resolver } from "../../../src/forward/resolver.ts";
import { Clock } from "../../support/far-hub.ts";
import { settled, turn } from "../../support/native-halves.ts";

let clock: Clock;
/** Lookups under way, oldest first. */
let lookups: PromiseWithResolvers<readonly string[]>[];
let resolver: Resolver;

beforeEach(() => {
	clock = new Clock();
	lookups = [];
	resolver = new Resolver("frontend", (host) => {
		expect(host).toBe("frontend");
		const lookup = Promise.withResolvers<readonly string[]>();
		lookups.push(lookup);
		return lookup.promise;
	});
});

afterEach(() => clock.restore());

const answer = async (i: number, ...addresses: string[]) => {
	lookups[i]?.resolve(addresses);
	await turn();
};

test("the first answer is waited for, by all who ask, with one lookup", async () => {
	const asking = [resolver.addresses(), resolver.addresses()];
	expect(lookups).toHaveLength(1);
	expect(await settled(asking[0] as Promise<unknown>)).toBe(false);
	await answer(0, "10.0.0.1");
	for (const one of asking) expect(await one).toEqual(["10.0.0.1"]);
});

test("an answer is used without another lookup for its time", async () => {
	void resolver.addresses();
	await answer(0, "10.0.0.1");
	await clock.pass(RESOLVED_MS);
	expect(await resolver.addresses()).toEqual(["10.0.0.1"]);
	expect(lookups).toHaveLength(1);
});

test("an old answer is used at once and refreshed in the background, with one lookup", async () => {
	void resolver.addresses();
	await answer(0, "10.0.0.1");
	await clock.pass(RESOLVED_MS + 1);
	for (let i = 0; i < 3; i++) expect(await resolver.addresses()).toEqual(["10.0.0.1"]);
	expect(lookups).toHaveLength(2);
	await answer(1, "10.0.0.2");
	expect(await resolver.addresses()).toEqual(["10.0.0.2"]);
	expect(lookups).toHaveLength(2);
});

test("a refresh that fails leaves the old answer in use, and is tried again", async () => {
	void resolver.addresses();
	await answer(0, "10.0.0.1");
	await clock.pass(RESOLVED_MS + 1);
	await resolver.addresses();
	lookups[1]?.reject(new Error("EAI_AGAIN"));
	await turn();
	expect(await resolver.addresses()).toEqual(["10.0.0.1"]);
	expect(lookups).toHaveLength(3);
});

test("a first lookup that fails is told, and the next one asks again", async () => {
	const asking = resolver.addresses();
	const mistake = new Error("ENOTFOUND");
	lookups[0]?.reject(mistake);
	expect(await asking.catch((error) => error)).toBe(mistake);
	void resolver.addresses();
	expect(lookups).toHaveLength(2);
});

test("asking again never returns the answer to an earlier question", async () => {
	void resolver.addresses();
	await clock.pass(100);
	const since = clock.now;
	await clock.pass(100);
	const asking = resolver.askAgain(since);
	expect(lookups).toHaveLength(2);
	const joining = resolver.askAgain(since);
	expect(lookups, "one that began since then is joined").toHaveLength(2);
	await answer(1, "10.0.0.2");
	expect(await asking).toEqual(["10.0.0.2"]);
	expect(await joining).toEqual(["10.0.0.2"]);
	await answer(0, "10.0.0.1");
	expect(await resolver.addresses(), "the older lookup came last").toEqual(["10.0.0.2"]);
});

test("the system's own names are resolved, each address once", async () => {
	const addresses = await new Resolver("localhost").addresses();
	expect(addresses).toEqual([...new Set(addresses)]);
	expect(addresses.some((address) => ["127.0.0.1", "::1"].includes(address))).toBe(true);
});

test("a name that there is not is the system's error", async () => {
	const error = await new Resolver("no-such-name.invalid").addresses().catch((reason) => reason);
	expect(["ENOTFOUND", "EAI_AGAIN"]).toContain(error.code);
});
