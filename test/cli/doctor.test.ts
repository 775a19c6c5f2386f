// `doctor` with the real executable: offline, with tickets, for people and for programs.
import { expect, test } from "bun:test";
import { startMailbox } from "../../src/wormhole/server/server.ts";
import { run } from "../support/executable.ts";
import { deadTicket, expectError, hub, OFFLINE } from "./terminals.ts";

/** Nobody answers there; nothing leaves the machine. */
const NO_MAILBOX = ["--wormhole-relay", "ws://127.0.0.1:1"];

test("offline it says what works without the internet, and that a tunnel would work", async () => {
	const { status, stdout, stderr } = await run(["doctor", ...OFFLINE, ...NO_MAILBOX]);
	expect(stdout).toMatch(/^✓ {2}native library +loaded from memory/m);
	expect(stdout).toMatch(/^✓ {2}UDP +bound to 127\.0\.0\.1:\d+/m);
	expect(stdout).toMatch(/^- {2}relay +not used \(--no-relay\)$/m);
	expect(stdout).toMatch(/^! {2}mailbox server .*connection refused/m);
	expect(stdout).toContain("Tickets do: share without --wormhole");
	expect(stdout).toEndWith("\nA tunnel would work.\n");
	expect(stderr).toBe("");
	expect(status).toBe(0);
});

test("a hub that runs is reached by its ticket, and a program reads that as JSON", async () => {
	await using sharing = await hub([]);
	const mailbox = startMailbox({ host: "127.0.0.1", port: 0 });
	const args = ["doctor", sharing.ticket, ...OFFLINE, "--wormhole-relay", mailbox.url, "--json"];
	const { status, stdout } = await run(args);
	await mailbox.stop();
	const { works, findings } = JSON.parse(stdout);
	expect(works).toBe(true);
	const results = Object.fromEntries(findings.map(({ check, result }: Record<string, string>) => [check, result]));
	expect(results).toMatchObject({ "the ticket's hub": "ok", "mailbox server": "ok" });
	expect(stdout).not.toContain(sharing.ticket);
	expect(status).toBe(0);
});

test("a hub that is gone is a no: status 1, and no error", async () => {
	const { status, stdout, stderr } = await run(["doctor", await deadTicket(), ...OFFLINE, ...NO_MAILBOX]);
	expect(stdout).toMatch(/^✗ {2}the ticket's hub directly: no answer/m);
	expect(stdout).toEndWith("\nA tunnel would not work.\n");
	expect(stderr).toBe("");
	expect(status).toBe(1);
}, 30_000);

test("an address that cannot be bound is a no", async () => {
	const { status, stdout } = await run(["doctor", "--no-relay", "--ipv4-addr", "192.0.2.1:0", ...NO_MAILBOX]);
	expect(stdout).toMatch(/^✗ {2}UDP +Cannot bind UDP 192\.0\.2\.1/m);
	expect(status).toBe(1);
});

test("a ticket that cannot be read is a mistake", async () => {
	expectError(await run(["doctor", "endpointx", ...OFFLINE, ...NO_MAILBOX]), "ticket", /ticket/);
});
