// `--json`: standard output has events and nothing else, each as docs/events.schema.json describes it.
import { describe, expect, test } from "bun:test";
import { startMailbox } from "../../src/wormhole/server/server.ts";
import { EVENT_NAMES, schemaError } from "../support/event-schema.ts";
import { type Program, run, start } from "../support/executable.ts";
import { get, OFFLINE, serve } from "./terminals.ts";

type Event = Record<string, unknown> & { event: string };

const eventsOf = (stdout: string): Event[] =>
	stdout
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line) as Event);

/** The first event of that name, already printed or yet to come. */
async function next(program: Program, name: string): Promise<Event> {
	const [line] = await program.line(new RegExp(`^\\{"time":"[^"]+","event":"${name}".*$`));
	return JSON.parse(line) as Event;
}

/** Stops it by a signal; its events, which must all be in the schema. */
async function stopped(program: Program): Promise<Event[]> {
	program.signal("SIGINT");
	const { status, stdout } = await program.exited;
	expect(status).toBe(0);
	const events = eventsOf(stdout);
	for (const event of events) expect(schemaError(event)).toBeUndefined();
	expect(events.at(-1)).toMatchObject({ event: "stopping", interrupted: true });
	return events;
}

test("a hub and a peer tell what happens between them", async () => {
	await using service = await serve(() => new Response("hello"));
	const mailbox = startMailbox({ host: "127.0.0.1", port: 0 });
	const codes = ["--wormhole-relay", mailbox.url];
	await using hub = start(["share", `web=${service.address}`, "hub", ...OFFLINE, "--wormhole", ...codes, "--json"]);
	const { ticket } = await next(hub, "ready");
	const { code } = await next(hub, "code");
	await using peer = start(["join", String(code), "me", ...codes, ...OFFLINE, "--bind", "web=0", "--json"]);
	const ready = await next(peer, "ready");
	const [web] = ready.services as { local: string }[];
	expect(await get(`http://${web?.local}/`)).toBe("hello");
	await next(hub, "peer_joined");
	const ofPeer = await stopped(peer);
	await next(hub, "peer_left");
	const ofHub = await stopped(hub);
	await mailbox.stop();

	expect(ofPeer.map(({ event }) => event)).toEqual(["ready", "stopping"]);
	expect(ready).toMatchObject({ role: "peer", name: "me", hub: { name: "hub" } });
	const names = ofHub.map(({ event }) => event).filter((event) => event !== "code");
	expect(names).toEqual(["ready", "peer_joined", "peer_left", "stopping"]);
	for (const event of [...ofHub, ...ofPeer]) {
		const text = JSON.stringify(event);
		if (event.event !== "ready") expect(text, "the ticket").not.toContain(String(ticket));
		if (event.event !== "code") expect(text, "the code").not.toContain(String(code));
	}
});

test("a peer tells that it has lost its hub, and how it ends", async () => {
	await using hub = start(["share", "1", "hub", ...OFFLINE, "--json"]);
	const { ticket } = await next(hub, "ready");
	await using peer = start([
		"join",
		"me",
		"--ticket",
		String(ticket),
		...OFFLINE,
		"--bind",
		"frontend=0",
		"--no-reconnect",
		"--json",
	]);
	await next(peer, "ready");
	hub.signal("SIGKILL");
	const { status, stdout, stderr } = await peer.exited;
	const events = eventsOf(stdout);
	for (const event of events) expect(schemaError(event)).toBeUndefined();
	expect(events.find(({ event }) => event === "lost")).toMatchObject({ reconnecting: false });
	expect(events.at(-1)).toMatchObject({ event: "error", code: "lost", fatal: true });
	expect(stderr, "a person is told, too").toContain("error: The hub ");
	expect(status).toBe(8);
});

test.each([
	["a mistake on the command line", ["share", "nonsense:x", "--json"], 2, "usage"],
	["an unknown option", ["join", "--jsn", "--json"], 2, "usage"],
	["a ticket that cannot be read", ["join", "me", "--ticket", "endpointx", ...OFFLINE, "--json"], 3, "ticket"],
])("%s is an event, and the exit status is the same", async (_, args, expected, code) => {
	const { status, stdout, stderr } = await run(args);
	const [event, ...more] = eventsOf(stdout);
	expect(schemaError(event)).toBeUndefined();
	expect(event).toMatchObject({ event: "error", code, fatal: true });
	expect(more).toEqual([]);
	expect(stderr).toStartWith("error: ");
	expect(status).toBe(expected);
});

test("a mailbox server tells where it is", async () => {
	await using server = start(["mailbox", "--listen", "127.0.0.1:0", "--json"]);
	expect(await next(server, "ready")).toMatchObject({ role: "mailbox", url: expect.stringMatching(/^ws:\/\/127/) });
	expect((await stopped(server)).map(({ event }) => event)).toEqual(["ready", "stopping"]);
});

test("the demo tells what its hub and its peer do", async () => {
	const { status, stdout } = await run(["demo", "--once", "--json"]);
	const events = eventsOf(stdout);
	for (const event of events) expect(schemaError(event)).toBeUndefined();
	const roles = events.filter(({ event }) => event === "ready").map(({ role }) => role);
	expect(roles.sort()).toEqual(["hub", "peer"]);
	expect(status).toBe(0);
});

describe("the schema", () => {
	test("knows every event that the documentation promises", () => {
		const promised =
			"ready code peer_joined peer_left path service service_added service_removed lost reconnected denied error stats stopping";
		for (const name of promised.split(" ")) expect(EVENT_NAMES).toContain(name);
	});

	test("refuses what is not in it", () => {
		expect(schemaError({ time: new Date().toISOString(), event: "stopping" })).toBeDefined();
		expect(schemaError({ time: "today", event: "stopping", interrupted: true })).toBeDefined();
		expect(
			schemaError({ time: new Date().toISOString(), event: "stopping", interrupted: true, ticket: "endpointa" }),
		).toBeDefined();
	});
});
