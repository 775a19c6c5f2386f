// A peer that comes back with another key, over real iroh on loopback: what holds for a peer holds for it still, and
// nobody else gets in with its token. The far side is the raw binding where it must misbehave, and our own program where
// it must not.
import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { setVerbosity } from "../../src/base/output.ts";
import { type Policy, teamPolicy } from "../../src/hub/admission.ts";
import { ResumeTokens } from "../../src/hub/resume-tokens.ts";
import { newSecret } from "../../src/invite/secret.ts";
import { Endpoint } from "../../src/transport/endpoint.ts";
import { publicId } from "../../src/transport/iroh.ts";
import { Puppet, type PuppetServer } from "../support/puppet.ts";
import { hello, RawPeer } from "../support/raw-peer.ts";
import { LOOPBACK, type RunningHub, startHub, startPeer } from "../support/tunnel.ts";

let puppet: Puppet;
let service: PuppetServer;

beforeAll(async () => {
	puppet = new Puppet();
	service = await puppet.listen();
});
afterAll(() => puppet[Symbol.asyncDispose]());

const hub = (policy: Partial<Policy> = {}): Promise<RunningHub> =>
	startHub([service.port], LOOPBACK, { ...teamPolicy(newSecret()), ...policy });

const secretOf = ({ ticket }: RunningHub) => ticket.split(".")[1];

describe("a peer that comes back with another key while its old connection is open", () => {
	test.each([
		["--max-peers 1", () => ({ maxPeers: 1 })],
		["--once", () => ({ once: true })],
		["--allow with its own id", (id: string) => ({ allow: new Set([id]) })],
		[
			"all of them, at an open hub",
			(id: string) => ({ secret: undefined, maxPeers: 1, once: true, allow: new Set([id]) }),
		],
	])("is admitted in spite of %s; the same key without its token is not", async (_, policyOf) => {
		await using peer = await RawPeer.make();
		await using other = await RawPeer.make();
		const policy: Partial<Policy> = policyOf(peer.id);
		await using sharing = await hub(policy);
		const old = await peer.connect(sharing.ticket);
		const { resume: token } = await (await old.control(hello(secretOf(sharing)))).until("welcome");
		const stranger = await other.connect(sharing.ticket);
		const denial = await (await stranger.control(hello(secretOf(sharing)))).until("denied");
		expect(["full", "once", "id"]).toContain(denial.reason);
		const resumed = await other.connect(sharing.ticket);
		const control = await resumed.control(hello(secretOf(sharing), { resume: { id: peer.id, token } }));
		expect((await control.until("welcome")).resume).toBe(token);
		for (const connection of [old, resumed]) {
			expect(connection.native.closeReason()).toBeNull();
			connection.close();
		}
	});
});

describe("a token", () => {
	test("that is wrong, of another peer or of an earlier run of the hub admits nobody", async () => {
		await using peer = await RawPeer.make();
		await using other = await RawPeer.make();
		await using sharing = await hub();
		/** What the hub gives a peer of its own. */
		const given = async (to: RawPeer, by: RunningHub) => {
			const connection = await to.connect(by.ticket);
			const { resume } = await (await connection.control(hello(secretOf(by)))).until("welcome");
			return { connection, token: resume as string };
		};
		const mine = await given(peer, sharing);
		const foreign = await given(other, sharing);
		await using earlier = await hub();
		const old = await given(peer, earlier);
		expect(new Set([mine.token, foreign.token, old.token]).size).toBe(3);
		await using thief = await RawPeer.make();
		for (const token of ["", "x".repeat(43), mine.token.slice(0, -1), foreign.token, old.token]) {
			const connection = await thief.connect(sharing.ticket);
			const control = await connection.control(hello(secretOf(sharing), { resume: { id: peer.id, token } }));
			expect((await control.until("denied")).reason).toBe("resume");
			await connection.endedFor("denied: no such peer has joined");
		}
		expect(mine.connection.native.closeReason(), "the peer itself is not disturbed").toBeNull();
		for (const { connection } of [mine, foreign, old]) connection.close();
	});

	test("does not replace the ticket's secret", async () => {
		await using peer = await RawPeer.make();
		await using sharing = await hub();
		const old = await peer.connect(sharing.ticket);
		const { resume: token } = await (await old.control(hello(secretOf(sharing)))).until("welcome");
		await using other = await RawPeer.make();
		const connection = await other.connect(sharing.ticket);
		const control = await connection.control(hello(newSecret(), { resume: { id: peer.id, token } }));
		expect((await control.until("denied")).reason).toBe("secret");
		old.close();
	});
});

test("our peer with an identity on --allow, whose own endpoint leads nowhere any more, comes back with another key", async () => {
	const key = crypto.getRandomValues(new Uint8Array(32));
	const id = await publicId(key);
	await using sharing = await hub({ allow: new Set([id]), maxPeers: 1, once: true });
	const { connect } = Endpoint.prototype;
	const [first, ids] = [Promise.withResolvers<{ close(reason: string): void }>(), [] as string[]];
	// The first connection works. After that the peer's own endpoint hangs, as on a path that drops everything.
	using _ = spyOn(Endpoint.prototype, "connect").mockImplementation(async function (this: Endpoint, ...args) {
		ids.push(this.id);
		if (this.id === id && ids.length > 1) return new Promise<never>(() => {});
		const connection = await connect.apply(this, args);
		if (ids.length === 1) first.resolve(connection);
		return connection;
	});
	let text = "";
	const back = Promise.withResolvers<void>();
	using tokens = spyOn(ResumeTokens.prototype, "of");
	setVerbosity(3);
	using _printed = spyOn(process.stderr, "write").mockImplementation((chunk) => {
		text += chunk;
		if (text.includes("Connected again")) back.resolve();
		return true;
	});
	await using peer = await startPeer(sharing.ticket, { ...LOOPBACK, key }, { reconnect: true });
	(await first.promise).close("the test cuts it");
	await back.promise;
	expect(ids.slice(0, 2)).toEqual([id, id]);
	expect(ids[2]).not.toBe(id);
	const accepting = service.accept();
	const client = await puppet.connect(peer.ports[0] as number);
	const socket = await accepting;
	await client.write("ping");
	expect((await socket.received(4)).head).toBe("ping");
	await Promise.all([client.end(), socket.end()]);
	await Promise.all([client.closed(), socket.closed()]);
	// Its first connection was over, so it has joined twice: by the id of its identity, and no other.
	expect(text.match(/^Peer 'peer' .* connected /gm)?.length).toBe(2);
	expect(text.split(`(${id.slice(0, 10)}) connected`)).toHaveLength(3);
	setVerbosity(0);
	expect(tokens).toHaveBeenCalled();
	for (const { value } of tokens.mock.results) expect(text, "never printed, at any level").not.toContain(value);
}, 30_000);
