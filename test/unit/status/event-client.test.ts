// One client's stream: what waits for it is bounded, and it is gone exactly once.
import { expect, test } from "bun:test";
import { EventClient } from "../../../src/status/event-client.ts";
import { EVENT_QUEUE } from "../../../src/status/limits.ts";

function client() {
	const calls: string[] = [];
	const options = { snapshots: false, secrets: false, cut: () => void calls.push("cut") };
	return { calls, client: new EventClient(options, () => void calls.push("gone")) };
}

test("what is sent arrives, and the client is idle again once it has taken it", async () => {
	const { client: one, calls } = client();
	expect(one.idle).toBe(true);
	one.send("data: 1\n\n");
	expect(one.idle).toBe(false);
	const reader = one.body.getReader();
	expect(await reader.read()).toEqual({ done: false, value: "data: 1\n\n" });
	expect(one.idle).toBe(true);
	one.close();
	one.close();
	expect((await reader.read()).done).toBe(true);
	expect(calls).toEqual(["gone"]);
});

test("a client that takes nothing is dropped when the queue is full, and its connection is cut", async () => {
	const { client: one, calls } = client();
	const piece = "x".repeat(EVENT_QUEUE / 4);
	for (let i = 0; i < 4; i++) one.send(piece);
	expect(calls).toEqual([]);
	one.send("one too many");
	one.send("nothing more is queued");
	expect(calls).toEqual(["gone", "cut"]);
	await expect(one.body.getReader().read()).rejects.toThrow("the client takes nothing");
});

test("a client that goes away is gone, and sending to it does nothing", async () => {
	const { client: one, calls } = client();
	await one.body.cancel();
	one.send("late");
	one.close();
	expect(calls).toEqual(["gone"]);
	expect(one.idle).toBe(false);
});
