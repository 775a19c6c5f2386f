// What a peer that saves its hub relies on: its key is chosen when the hub is known, and it is told of the hub once, when
// that has admitted it.
import { expect, test } from "bun:test";
import { teamPolicy } from "../../src/hub/admission.ts";
import type { HubEvent } from "../../src/hub/events.ts";
import { runHub } from "../../src/hub/run-hub.ts";
import { newSecret } from "../../src/invite/secret.ts";
import { formatTicket, type Ticket } from "../../src/invite/ticket.ts";
import type { PeerEvent } from "../../src/peer/events.ts";
import type { HubInfo } from "../../src/peer/hub-session.ts";
import { type PeerOptions, runPeer } from "../../src/peer/run-peer.ts";
import { publicId } from "../../src/transport/iroh.ts";
import { originalsAt } from "../support/port-choices.ts";
import { originalServices } from "../support/shared-services.ts";
import { resultOr } from "../support/throws.ts";
import { LOOPBACK } from "../support/tunnel.ts";

const KEY = new Uint8Array(32).fill(7);
const OTHER_KEY = new Uint8Array(32).fill(8);

async function hub(more: { lasting?: boolean } = {}) {
	const end = new AbortController();
	const ready = Promise.withResolvers<string>();
	const joined = Promise.withResolvers<string>();
	const emit = (event: HubEvent) => {
		if (event.type === "ready") ready.resolve(event.ticket);
		if (event.type === "peer_joined") joined.resolve(event.peer.id);
	};
	const services = originalServices(1, 1, 1);
	const policy = teamPolicy(newSecret());
	const done = runHub({ name: "My hub", services, endpoint: LOOPBACK, policy, ...more }, emit, end.signal);
	done.catch(ready.reject);
	const stop = async () => {
		end.abort();
		await done;
	};
	return { ticket: await ready.promise, joined: joined.promise, stop, [Symbol.asyncDispose]: stop };
}

const OPTIONS = { name: "me", ports: originalsAt() };

/** Runs a peer until it has been welcomed; what it was told, and what came before it. */
async function join(ticket: string, more: Partial<PeerOptions> = {}) {
	const end = new AbortController();
	const events: PeerEvent["type"][] = [];
	const asked: string[] = [];
	const told: { ticket: Ticket; hub: HubInfo; after: PeerEvent["type"][] }[] = [];
	await runPeer(
		{
			...OPTIONS,
			endpoint: LOOPBACK,
			invitation: { ticket },
			keyFor: (id) => {
				asked.push(id);
				return KEY;
			},
			onWelcome: async (ticket, hub) => {
				told.push({ ticket, hub: { name: hub.name, lasting: hub.lasting }, after: [...events] });
				end.abort();
			},
			...more,
		},
		({ type }) => events.push(type),
		end.signal,
	);
	return { asked, told };
}

test("the key is chosen by the hub's public id, and the ticket and the hub's name are told after the welcome", async () => {
	await using sharing = await hub({ lasting: true });
	const { asked, told } = await join(sharing.ticket);
	expect(await sharing.joined).toBe(await publicId(KEY));
	expect(told).toHaveLength(1);
	const [one] = told;
	expect(one?.hub).toMatchObject({ name: "My hub", lasting: true });
	expect(one?.after).toContain("ready");
	expect(await formatTicket(one?.ticket as Ticket)).toBe(sharing.ticket);
	expect(asked).toEqual([one?.ticket.address.id().toString() as string]);
});

test("a hub without a lasting ticket says so", async () => {
	await using sharing = await hub();
	const { told } = await join(sharing.ticket);
	expect(told[0]?.hub.lasting).toBe(false);
});

test("an identity of the peer's own goes before the key", async () => {
	await using sharing = await hub();
	await join(sharing.ticket, { endpoint: { ...LOOPBACK, key: OTHER_KEY } });
	expect(await sharing.joined).toBe(await publicId(OTHER_KEY));
});

test("a peer that is denied is told of no hub", async () => {
	await using sharing = await hub();
	let told = 0;
	const onWelcome = async () => void told++;
	const wrong = `${sharing.ticket.split(".")[0]}.${newSecret()}`;
	expect((await resultOr("denied", join(wrong, { onWelcome }))) as unknown).toMatchObject({ oldTicket: true });
	expect(told).toBe(0);
});
