// Hub, peer and mailbox server in memory: any order, any repetition, a dropped socket or a restarted server at every
// step. What must hold: neither side hangs, a wrong code never gets a ticket, and a code that is shown works.
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Outcome } from "../../src/wormhole/client/state.ts";
import { type Announce, type Client, offer, redeem, TICKET, World } from "../support/wormhole-world.ts";

const KINDS: Announce[] = ["hivemind-p2p", "nothing"];

/** A hub with a live code and a peer that has it. */
function meeting(peerKind: Announce = "hivemind-p2p", change = (code: string) => code): [World, Client, Client] {
	const world = new World();
	const hub = world.client(offer(1));
	world.settle();
	return [world, hub, world.client(redeem(2, change(hub.live as string), peerKind))];
}

/** Fires timers, and runs what follows from them, until nothing is left but a hub with a live code. */
function finish(world: World, hub: Client, peer: Client): void {
	for (let round = 0; round < 8; round++) {
		world.settle();
		for (const client of world.clients) {
			for (const name of [...client.timers]) {
				client.timers.delete(name);
				client.dispatch({ type: "timer", name });
			}
		}
	}
	// The timeout of `redeem`.
	if (!peer.outcome) peer.dispatch({ type: "cancel" });
	world.settle();
	expect(peer.outcome).toBeDefined();
	if (hub.outcome) return;
	expect(hub.live).toBeDefined();
	const later = world.client(redeem(3, hub.live as string));
	world.settle();
	expect(later.outcome).toEqual({ kind: "ticket", ticket: TICKET });
	expect(hub.outcome as Outcome | undefined).toEqual({ kind: "taken" });
}

function expectDelivered(hub: Client, peer: Client): void {
	expect(peer.outcome).toEqual({ kind: "ticket", ticket: TICKET });
	expect(hub.outcome).toEqual({ kind: "taken" });
}

/** How many steps an undisturbed exchange takes. */
function steps(kind: Announce): number {
	const [world, hub, peer] = meeting(kind);
	let count = 0;
	world.settle(() => count++);
	expectDelivered(hub, peer);
	expect(world.rendezvous.mailboxes.size.mailboxes).toBe(0);
	return count;
}

for (const kind of KINDS) {
	test(`the ticket reaches a peer that announces ${kind}, and the server keeps nothing`, () => {
		expect(steps(kind)).toBeGreaterThan(20);
	});

	test(`a socket dropped at any step does not keep the ticket from a peer that announces ${kind}`, () => {
		const count = steps(kind);
		for (let at = -1; at < count; at++) {
			for (const victims of [[0], [1], [0, 1]]) {
				const [world, hub, peer] = meeting(kind);
				const hit = () => {
					for (const victim of victims) world.clients[victim]?.drop();
				};
				if (at < 0) hit();
				world.settle((index) => index === at && hit());
				expectDelivered(hub, peer);
			}
		}
	});

	test(`a server that loses its state at any step hangs neither the hub nor a peer that announces ${kind}`, () => {
		const count = steps(kind);
		let survived = 0;
		for (let at = -1; at < count; at++) {
			const [world, hub, peer] = meeting(kind);
			let mustSurvive = false;
			const hit = () => {
				// Both have the other's first message and neither has ended: together they still know everything.
				mustSurvive = Boolean(hub.state.other && peer.state.other && !hub.state.ending && !peer.state.ending);
				world.restart();
			};
			if (at < 0) hit();
			world.settle((index) => index === at && hit());
			if (mustSurvive) {
				survived += 1;
				expectDelivered(hub, peer);
			}
			finish(world, hub, peer);
		}
		expect(survived).toBeGreaterThan(3);
	});
}

test("a code that was never redeemed survives a dropped socket, but not a server that lost it", () => {
	const world = new World();
	const hub = world.client(offer(1));
	world.settle();
	const code = hub.live as string;
	hub.drop();
	expect(hub.live).toBeUndefined();
	world.settle();
	expect(hub.live).toBe(code);
	world.restart();
	world.settle();
	expect(hub.outcome).toEqual({ kind: "forgotten" });
	expect(world.rendezvous.mailboxes.size.mailboxes).toBe(0);
});

test("hubs that come back to a restarted server do not use up each other's codes", () => {
	const world = new World();
	const hubs = Array.from({ length: 9 }, (_, index) => world.client(offer(10 + index)));
	world.settle();
	world.restart();
	// Quicker hubs get the others' nameplates for their new codes.
	const quick = Array.from({ length: 9 }, (_, index) => world.client(offer(30 + index)));
	for (const client of quick) while (!client.live) client.moves()[0]?.();
	world.settle();
	for (const hub of hubs) expect(hub.outcome).toEqual({ kind: "forgotten" });
	for (const [index, client] of quick.entries()) {
		const peer = world.client(redeem(50 + index, client.live as string));
		world.settle();
		expectDelivered(client, peer);
	}
});

test("a cancelled hub or peer leaves no nameplate behind, no matter what it was waiting for", () => {
	for (let at = -1; at < 20; at++) {
		const world = new World();
		const hub = world.client(offer(1));
		if (at < 0) hub.dispatch({ type: "cancel" });
		world.settle((index) => index === at && hub.dispatch({ type: "cancel" }));
		if (!hub.outcome) continue;
		expect(hub.outcome).toEqual({ kind: "cancelled" });
		expect(world.rendezvous.mailboxes.size.mailboxes).toBe(0);
		expect(world.rendezvous.mailboxes.list("app")).toEqual([]);
		const lone = world.client(redeem(2, "5-hamburger-endorse"));
		world.settle((index) => index === at && lone.dispatch({ type: "cancel" }));
		if (!lone.outcome) continue;
		expect(world.rendezvous.mailboxes.size.mailboxes).toBe(0);
	}
});

/** A fault or a move, by number. */
const schedule = fc.array(fc.nat(), { maxLength: 120 });

function play(world: World, choices: number[], faults: { drops: number; restarts: number }): void {
	for (const choice of choices) {
		const client = world.clients[choice % 2] as Client;
		const what = (choice >> 1) % 16;
		if (what === 0 && faults.drops-- > 0) client.drop();
		else if (what === 1 && faults.restarts-- > 0) world.restart();
		else if (what < 6) client.reorder(choice >> 5);
		else {
			const moves = world.moves();
			moves[(choice >> 5) % Math.max(1, moves.length)]?.();
		}
	}
}

test("any order, repetition and up to six dropped sockets: the ticket arrives", () => {
	fc.assert(
		fc.property(schedule, fc.constantFrom(...KINDS), (choices, kind) => {
			const [world, hub, peer] = meeting(kind);
			play(world, choices, { drops: 6, restarts: 0 });
			world.settle();
			expectDelivered(hub, peer);
		}),
		{ numRuns: RUNS },
	);
});

test("any order, repetition, dropped sockets and restarts: neither side hangs, and a shown code works", () => {
	fc.assert(
		fc.property(schedule, fc.constantFrom(...KINDS), (choices, kind) => {
			const [world, hub, peer] = meeting(kind);
			play(world, choices, { drops: 4, restarts: 3 });
			finish(world, hub, peer);
			if (peer.outcome?.kind === "ticket") expect(peer.outcome.ticket).toBe(TICKET);
		}),
		{ numRuns: RUNS },
	);
});

test("a wrong code never gets a ticket, in any order", () => {
	fc.assert(
		fc.property(schedule, fc.constantFrom(...KINDS), (choices, kind) => {
			const [world, hub, peer] = meeting(kind, (code) => code.replace("endorse", "zulu"));
			play(world, choices, { drops: 4, restarts: 0 });
			world.settle();
			expect(hub.outcome).toEqual({ kind: "wrong code" });
			expect(peer.outcome).toEqual({ kind: "wrong code" });
		}),
		{ numRuns: RUNS },
	);
});

/** An exchange costs about 10 ms, most of it curve arithmetic. */
const RUNS = Number(process.env.MODEL_RUNS ?? 60);
