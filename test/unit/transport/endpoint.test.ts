// What an endpoint does when the native one is late or fails: over a native endpoint that does what the test says, and a
// clock that it holds.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import { RECONNECT_ATTEMPT_MS } from "../../../src/peer/limits.ts";
import * as binds from "../../../src/transport/bind.ts";
import { Endpoint } from "../../../src/transport/endpoint.ts";
import type {
	EndpointAddr,
	Connection as NativeConnection,
	Endpoint as NativeEndpoint,
} from "../../../src/transport/iroh.ts";
import { CLOSE_MS, REBIND_PAUSE_MS, REBIND_SAME_PORTS } from "../../../src/transport/limits.ts";
import { Clock } from "../../support/far-hub.ts";
import { settled, turn } from "../../support/native-halves.ts";

const HUB = { directAddresses: () => ["127.0.0.1:1"], relayUrl: () => null } as unknown as EndpointAddr;

let clock: Clock;
let connecting: PromiseWithResolvers<NativeConnection>;
let closing: PromiseWithResolvers<void>;
let endpoint: Endpoint;
/** Codes that the connection was closed with. */
let closings: bigint[];
/** The connection that an attempt leads to. */
let connection: NativeConnection;

beforeEach(() => {
	clock = new Clock();
	[connecting, closing, closings] = [Promise.withResolvers(), Promise.withResolvers(), []];
	const over = Promise.withResolvers<string>();
	connection = {
		remoteId: () => "a".repeat(64),
		acceptUni: () => over.promise.then(() => Promise.reject(new Error("closed"))),
		closed: () => over.promise,
		close(code: bigint) {
			closings.push(code);
			over.resolve("closed");
		},
	} as unknown as NativeConnection;
	const native = {
		boundSockets: () => ["127.0.0.1:2"],
		secretKey: () => ({ toBytes: () => [] }),
		connect: () => connecting.promise,
		close: () => closing.promise,
	};
	endpoint = new Endpoint(native as unknown as NativeEndpoint, { alpn: "hivemind", relays: "none" });
});

afterEach(async () => {
	closing.resolve();
	await endpoint.close();
	clock.restore();
});

test("an attempt that was given up and succeeds later leaves no ghost at the hub", async () => {
	const attempt = endpoint.connect(HUB, RECONNECT_ATTEMPT_MS);
	attempt.catch(() => {});
	await clock.pass(RECONNECT_ATTEMPT_MS - 1);
	expect(await settled(attempt)).toBe(false);
	await clock.pass(1);
	expect(await settled(attempt)).toBe(true);
	await expect(attempt).rejects.toMatchObject({
		code: "unreachable",
		message: "Cannot reach the hub: no answer within 4 s. Tried 127.0.0.1:1.",
	});
	expect(closings).toEqual([]);
	connecting.resolve(connection);
	await turn();
	expect(closings).toEqual([0n]);
});

test("an attempt that was given up and fails later is no error any more", async () => {
	const attempt = endpoint.connect(HUB, RECONNECT_ATTEMPT_MS);
	attempt.catch(() => {});
	await clock.pass(RECONNECT_ATTEMPT_MS);
	await expect(attempt).rejects.toMatchObject({ code: "unreachable" });
	connecting.reject(new Error("timed out"));
	await turn();
	// An unhandled rejection would fail the test.
});

test("a connection that is made in time stays open after that time", async () => {
	const attempt = endpoint.connect(HUB, RECONNECT_ATTEMPT_MS);
	attempt.catch(() => {});
	await clock.pass(RECONNECT_ATTEMPT_MS - 1);
	connecting.resolve(connection);
	const made = await attempt;
	await clock.pass(2 * RECONNECT_ATTEMPT_MS);
	expect(closings).toEqual([]);
	made.close("the test is over");
	await made.closed;
});

test("an endpoint that cannot be closed keeps nobody from stopping", async () => {
	const closed = endpoint.close();
	closing.reject(new Error("injected"));
	expect(await settled(closed)).toBe(true);
	await closed;
});

test("an endpoint whose close never ends is waited for one second", async () => {
	const closed = endpoint.close();
	await clock.pass(CLOSE_MS - 1);
	expect(await settled(closed)).toBe(false);
	await clock.pass(1);
	expect(await settled(closed)).toBe(true);
});

describe("binding it again", () => {
	let binding: PromiseWithResolvers<NativeEndpoint>[];
	let bind: Mock<typeof binds.bindNative>;
	let stop: AbortController;

	beforeEach(() => {
		binding = [];
		stop = new AbortController();
		closing.resolve();
		bind = spyOn(binds, "bindNative").mockImplementation(() => {
			const one = Promise.withResolvers<NativeEndpoint>();
			binding.push(one);
			return one.promise;
		});
	});

	afterEach(() => bind.mockRestore());

	/** A native endpoint that only counts how often it is closed. */
	const native = () => {
		const one = { closings: 0, close: async () => void one.closings++ };
		return one;
	};

	test("twice at once makes one endpoint: two with one key would starve each other", async () => {
		const both = [endpoint.rebind(stop.signal), endpoint.rebind(stop.signal)];
		await clock.pass(REBIND_PAUSE_MS);
		expect(binding).toHaveLength(1);
		const fresh = native();
		binding[0]?.resolve(fresh as unknown as NativeEndpoint);
		await Promise.all(both);
		await endpoint.close();
		expect(fresh.closings).toBe(1);
	});

	test("that comes through when the hub was stopped meanwhile leaves nothing open", async () => {
		const again = endpoint.rebind(stop.signal);
		await clock.pass(REBIND_PAUSE_MS);
		stop.abort();
		await endpoint.close();
		const late = native();
		binding[0]?.resolve(late as unknown as NativeEndpoint);
		await again;
		expect(late.closings).toBe(1);
	});

	test("is tried until it works, with the same ports first", async () => {
		const again = endpoint.rebind(stop.signal);
		for (let i = 0; i <= REBIND_SAME_PORTS; i++) {
			await clock.pass(REBIND_PAUSE_MS);
			if (i < REBIND_SAME_PORTS) binding[i]?.reject(new Error("the port is in use"));
		}
		binding[REBIND_SAME_PORTS]?.resolve(native() as unknown as NativeEndpoint);
		await again;
		const ports = bind.mock.calls.map(([{ ipv4 }]) => ipv4?.port);
		expect(ports).toEqual([...Array(REBIND_SAME_PORTS).fill(2), undefined]);
	});
});
