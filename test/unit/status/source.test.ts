// The log of events: what is kept for a page that is opened later.
import { expect, test } from "bun:test";
import { RECENT_EVENTS } from "../../../src/status/limits.ts";
import { EventLog } from "../../../src/status/source.ts";

test("the last events are kept, oldest first, each with its time", () => {
	const log = new EventLog();
	for (let i = 0; i < RECENT_EVENTS + 5; i++) log.add({ event: "code", code: String(i) });
	expect(log.recent()).toHaveLength(RECENT_EVENTS);
	expect(log.recent()[0]).toMatchObject({ event: "code", code: "5" });
	expect(log.recent()[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test("a quarter of an hour of stats does not push the other events out", () => {
	const log = new EventLog();
	const seen: string[] = [];
	const unsubscribe = log.subscribe(({ event }) => seen.push(event));
	log.add({ event: "code", code: "5-a-b" });
	for (let i = 0; i < RECENT_EVENTS; i++) log.add({ event: "stats", peers: 0, services: [] });
	expect(log.recent().map(({ event }) => event)).toEqual(["code"]);
	expect(seen).toHaveLength(RECENT_EVENTS + 1);
	unsubscribe();
	log.add({ event: "stopping", interrupted: true });
	expect(seen).toHaveLength(RECENT_EVENTS + 1);
});
