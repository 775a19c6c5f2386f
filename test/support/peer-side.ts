// An Uplink over a hub, a network and a clock that the test holds (far-hub.ts). Used by the tests of uplink.ts and
// redial.ts, a new one for each test.
import { expect, spyOn } from "bun:test";
import { HUB_WAIT_MS, LASTING_MS } from "../../src/peer/limits.ts";
import { Uplink } from "../../src/peer/uplink.ts";
import type { ServiceState } from "../../src/protocol/control-messages.ts";
import * as endpoints from "../../src/transport/endpoint.ts";
import type { EndpointAddr } from "../../src/transport/iroh.ts";
import { Clock, FarConnection, FarEndpoint, type FarStream, type HubBehaviour } from "./far-hub.ts";
import { turn } from "./native-halves.ts";

export class PeerSide {
	readonly clock = new Clock();
	readonly endpoint = new FarEndpoint();
	/** What was bound beside the endpoint. */
	readonly twins: FarEndpoint[] = [];
	/** What chance says: 0 to 1. */
	chance = 1;
	/** What the uplink told of the hub's services. */
	readonly heard: ServiceState[][] = [];
	readonly binding = spyOn(endpoints, "bindEndpoint").mockImplementation(async () => {
		const twin = new FarEndpoint();
		if (this.endpoint.outcome) twin.outcome = this.endpoint.outcome;
		this.twins.push(twin);
		return twin.asEndpoint;
	});
	uplink = this.start();
	#random = spyOn(Math, "random").mockImplementation(() => this.chance);
	#printed = spyOn(process.stderr, "write").mockReturnValue(true);

	/** Another uplink. */
	start({ reconnect = true } = {}): Uplink {
		this.uplink = new Uplink({
			endpoint: this.endpoint.asEndpoint,
			hub: {} as EndpointAddr,
			introduction: { name: "me", secret: undefined },
			reconnect,
			onServices: (services) => this.heard.push(services),
		});
		return this.uplink;
	}

	/** The first connection, in use. What is tried after it hangs until the test says otherwise. */
	connected = async (behaviour: HubBehaviour = {}): Promise<FarConnection> => {
		const connection = new FarConnection(behaviour);
		const connecting = this.uplink.connect();
		this.endpoint.let(connection);
		await connecting;
		return connection;
	};

	/** The first connection after it was in use for long enough to be a good one. */
	connectedForLong = async (behaviour: HubBehaviour = {}): Promise<FarConnection> => {
		const connection = await this.connected(behaviour);
		await this.clock.pass(LASTING_MS + 1);
		return connection;
	};

	/** The attempt under way leads to this connection, which is put in use. */
	connectedAgain = async (behaviour: HubBehaviour = {}): Promise<FarConnection> => {
		const connection = new FarConnection(behaviour);
		this.endpoint.let(connection);
		await turn();
		expect(await this.ask()).toBe(connection);
		return connection;
	};

	/** A new local connection asks for a stream: the connection that it gets one on, or why it gets none. */
	ask = (): Promise<FarConnection | string> =>
		this.uplink.openStream(1, this.clock.now + HUB_WAIT_MS).then(
			(stream) => (stream as unknown as FarStream).from,
			(error: Error) => error.message,
		);

	/** How often these words were said on the screen. */
	told = (words: string): number =>
		this.#printed.mock.calls
			.map(([text]) => String(text))
			.join("")
			.split(words).length - 1;

	/** From the start of one attempt to the next. */
	pauses = (): number[] =>
		this.endpoint.attempts.slice(1).map(({ at }, i) => at - (this.endpoint.attempts[i]?.at ?? 0));

	/** Ends it, and sees that no interval is left running. */
	end = async (): Promise<void> => {
		await this.uplink.close();
		await turn();
		const { intervals } = this.clock;
		this.clock.restore();
		for (const mock of [this.binding, this.#random, this.#printed]) mock.mockRestore();
		expect(intervals, "intervals left running").toBe(0);
	};
}
