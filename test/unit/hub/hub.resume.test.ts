// A peer that comes back with another key and the token of its welcome: for a hub it is the same peer in every way. Who is
// admitted: admission.test.ts.
import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { localMarks } from "../../../src/base/local-marks.ts";
import { DialError } from "../../../src/forward/dial-error.ts";
import * as sockets from "../../../src/forward/tcp.ts";
import { StreamQuota } from "../../../src/hub/stream-quota.ts";
import type { Message } from "../../../src/protocol/control-messages.ts";
import { encodeHeader } from "../../../src/protocol/stream-header.ts";
import { CONNECTIONS_PER_ID } from "../../../src/transport/limits.ts";
import { type FarPeer, hello } from "../../support/far-peer.ts";
import { HubWorld, resumeOf } from "../../support/hub-world.ts";
import { turn } from "../../support/native-halves.ts";

let world: HubWorld;

beforeEach(() => {
	world = new HubWorld();
});

afterEach(() => world.end());

const stranger = (id: string) => world.connect(id);
const admitted = (id: string) => world.admit(id);
const told = (words: string) => world.told(words);
const closed = (some: FarPeer[]) => some.map(({ closings }) => closings.length > 0);
const heard = (peer: FarPeer) => peer.heard.filter(({ type }) => type !== "ping" && type !== "welcome");

describe("a peer that comes back with another key", () => {
	test("is not a second peer: joined once, counted once, and left when the last connection ends", async () => {
		const old = await admitted("a");
		const fresh = await world.resume(old, "f1");
		expect(told("connected (direct 10.0.0.7:1)")).toBe(1);
		expect(world.events.map(({ type }) => type)).toEqual(["peer_joined", "connection_joined"]);
		expect(world.events).toMatchObject([{ peer: { id: old.id } }, { peer: { id: old.id, name: "me" } }]);
		expect([...world.hub.connected()]).toEqual([old.id]);
		old.leave("timed out");
		await turn();
		expect(told("left")).toBe(0);
		fresh.leave("the cable was pulled");
		await turn();
		expect(told(`Peer 'me' (${old.remote}) left: the cable was pulled`)).toBe(1);
		expect(world.hub.connected().size).toBe(0);
	});

	test("is told the same token again, and that its hub runs on", async () => {
		const old = await admitted("a");
		const fresh = await world.resume(old, "f1");
		expect(fresh.heard).toMatchObject([{ type: "welcome", resume: resumeOf(old).token }]);
		expect(resumeOf(old).token).not.toBe("");
	});

	test("has no more connections than one that keeps its key, and costs no other peer one", async () => {
		const other = await admitted("b");
		const first = await admitted("a");
		const more: FarPeer[] = [];
		for (let i = 1; i < CONNECTIONS_PER_ID; i++) more.push(await world.resume(first, `f${i}`));
		expect(closed([first, ...more])).toEqual([false, false, false, false]);
		first.carries = 1;
		const fifth = await world.resume(first, "f5");
		expect(closed([first, ...more, fifth])).toEqual([false, true, false, false, false]);
		expect(more[0]?.closings).toEqual(["too many connections at once"]);
		await admitted("a");
		expect(closed([first, ...more, fifth, other])).toEqual([false, true, true, false, false, false]);
	});

	test("does not get more streams than one peer's share", async () => {
		const taken: string[] = [];
		using _ = spyOn(StreamQuota.prototype, "take").mockImplementation((id) => taken.push(id) > 0);
		const old = await admitted("a");
		const fresh = await world.resume(old, "f1");
		taken.length = 0;
		fresh.open(encodeHeader(9));
		await turn();
		expect(taken).toEqual([old.id]);
	});

	test("with the token of another peer, or none that was given, is denied and closes nobody's connection", async () => {
		const [one, other] = [await admitted("a"), await admitted("b")];
		for (const resume of [
			{ id: one.id, token: resumeOf(other).token },
			{ id: one.id, token: "x".repeat(43) },
		]) {
			const thief = stranger("f1");
			thief.say({ ...hello(world.secret), resume } as Message);
			await turn();
			expect(heard(thief)).toMatchObject([{ type: "denied", reason: "resume" }]);
			expect(JSON.stringify(heard(thief)), "nothing of the right token").not.toContain(resumeOf(one).token);
			thief.leave("denied");
			await turn();
		}
		expect(closed([one, other])).toEqual([false, false]);
		expect([...world.hub.connected()].sort()).toEqual([one.id, other.id].sort());
	});

	test("is known by its own id from then on", async () => {
		const old = await admitted("a");
		await world.resume(old, "f1");
		expect(world.hub.knows(old.id)).toBe(true);
	});

	test("and listens where a service is said to be keeps it from being dialled", async () => {
		using _ = spyOn(sockets, "dial").mockRejectedValue(new DialError("refused", "connection refused"));
		const old = await admitted("a");
		const fresh = stranger("f1");
		const listens = localMarks({ host: "127.0.0.1", port: 2 }, "hub's id");
		fresh.say({ ...hello(world.secret), resume: resumeOf(old), listens } as Message);
		await turn();
		fresh.open(encodeHeader(2)).send.acknowledge();
		await turn();
		const loops = world.events.filter(({ type }) => type === "loop");
		expect(loops).toMatchObject([{ owner: { id: old.id, name: "me" }, peer: { id: old.id } }]);
	});
});
