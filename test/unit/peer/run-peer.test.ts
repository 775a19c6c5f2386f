// What a peer leaves behind in its process: nothing. How it works: test/e2e.
import { expect, spyOn, test } from "bun:test";
import type { HivemindError } from "../../../src/base/errors.ts";
import * as codes from "../../../src/invite/redeem-code.ts";
import { formatTicket } from "../../../src/invite/ticket.ts";
import type { PeerEvent } from "../../../src/peer/events.ts";
import { runPeer } from "../../../src/peer/run-peer.ts";
import { loadIroh } from "../../../src/transport/iroh.ts";
import { nativeBytes } from "../../support/native-bytes.ts";
import { originalsAt } from "../../support/port-choices.ts";
import { resultOr } from "../../support/throws.ts";
import { FREE, LOOPBACK } from "../../support/tunnel.ts";

const { EndpointAddr, SecretKey } = await loadIroh();
const nobody = new EndpointAddr(SecretKey.fromBytes(nativeBytes(new Uint8Array(32).fill(7))).public(), undefined, [
	"127.0.0.1:9",
]);
const ticket = await formatTicket({ address: nobody, secret: undefined });

const options = { name: "me", ports: originalsAt(), endpoint: LOOPBACK };
const hooks = () => process.listenerCount("exit");

test("the exit hook that resets running transfers is there while the peer runs, and gone afterwards", async () => {
	const before = hooks();
	const stop = new AbortController();
	const events: PeerEvent[] = [];
	const emit = (event: PeerEvent) => {
		events.push(event);
		expect(hooks()).toBe(before + 1);
		stop.abort();
	};
	await runPeer({ ...options, invitation: { ticket } }, emit, stop.signal);
	expect(events).toEqual([{ type: "waiting", what: "the hub" }, { type: "waited" }]);
	expect(hooks()).toBe(before);
});

test("a peer that cannot start leaves no exit hook", async () => {
	const before = hooks();
	const run = (invitation: { ticket: string }, ports = options.ports) =>
		runPeer({ ...options, invitation, ports }, () => {}, new AbortController().signal);
	expect(await resultOr("ticket", run({ ticket: "endpoint" }))).toBeInstanceOf(Error);
	const elsewhere = { host: "192.0.2.1", port: 0 };
	expect(await resultOr("listen", run({ ticket }, originalsAt(FREE, FREE, elsewhere)))).toBeInstanceOf(Error);
	expect(hooks()).toBe(before);
});

test("what ends a peer after its code was redeemed says that the code is used up; with a ticket nothing is", async () => {
	using _redeeming = spyOn(codes, "redeemCode").mockResolvedValue(ticket);
	const endpoint = { ...LOOPBACK, ipv4: { host: "192.0.2.1", port: 0 } };
	const run = (invitation: Parameters<typeof runPeer>[0]["invitation"]) =>
		runPeer({ ...options, invitation, endpoint }, () => {}, new AbortController().signal);
	const used = "The join code is used up: ask for another one.";
	const byCode = await resultOr("bind", run({ code: "5-hamburger-endorse" }));
	expect((byCode as HivemindError).hint).toEndWith(used);
	const byTicket = await resultOr("bind", run({ ticket }));
	expect((byTicket as HivemindError).hint ?? "").not.toContain(used);
});
