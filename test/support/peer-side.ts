// An Uplink whose hub, network and clock are in the test's hands (far-hub.ts); a new one for each test.
import { expect, spyOn } from "bun:test";
import type { PeerEvent } from "../../src/peer/events.ts";
import { HUB_WAIT_MS, LASTING_MS } from "../../src/peer/limits.ts";
import { peerReporter } from "../../src/peer/reporter.ts";
import { Uplink } from "../../src/peer/uplink.ts";
import type { ServiceState } from "../../src/protocol/control-messages.ts";
import * as endpoints from "../../src/transport/endpoint.ts";
import type { EndpointAddr } from "../../src/transport/iroh.ts";
import { Clock, FarConnection, FarEndpoint, type FarStream, type HubBehaviour } from "./far-hub.ts";
import { turn } from "./native-halves.ts";

export class PeerSide {
	readonly clock = new Clock();
	readonly endpoint = new FarEndpoint();
	/** The endpoints that were bound for parallel attempts. */
	readonly parallel: FarEndpoint[] = [];
	/** What Math.random returns: 0 to 1. */
	random = 1;
	/** What the uplink passed on of the hub's services. */
	readonly heard: (readonly ServiceState[])[] = [];
	/** The uplink's events, and the lines that become of them. */
	readonly events: PeerEvent[] = [];
	#report = peerReporter();
	readonly binding = spyOn(endpoints, "bindEndpoint").mockImplementation(async () => {
		const other = new FarEndpoint();
		if (this.endpoint.outcome) other.outcome = this.endpoint.outcome;
		this.parallel.push(other);
		return other.asEndpoint;
	});
	uplink = this.start();
	#random = spyOn(Math, "random").mockImplementation(() => this.random);
	#printed = spyOn(process.stderr, "write").mockReturnValue(true);

	/** Another uplink. */
	start({ reconnect = true } = {}): Uplink {
		this.uplink = new Uplink({
			endpoint: this.endpoint.asEndpoint,
			hub: {} as EndpointAddr,
			introduction: { name: "me", secret: undefined },
			reconnect,
			emit: (event) => {
				this.events.push(event);
				this.#report(event);
			},
			onServices: (services) => this.heard.push(services),
		});
		return this.uplink;
	}

	/** The first connection, in use. Every later attempt hangs until the test says otherwise. */
	connected = async (behaviour: HubBehaviour = {}): Promise<FarConnection> => {
		const connection = new FarConnection(behaviour);
		const connecting = this.uplink.connect();
		this.endpoint.let(connection);
		await connecting;
		return connection;
	};

	/** The first connection, once it has been in use for long enough to count as a good one. */
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

	/** How often these words were printed on stderr. */
	told = (words: string): number =>
		this.#printed.mock.calls
			.map(([text]) => String(text))
			.join("")
			.split(words).length - 1;

	/** From the start of one attempt to the next. */
	pauses = (): number[] =>
		this.endpoint.attempts.slice(1).map(({ at }, i) => at - (this.endpoint.attempts[i]?.at ?? 0));

	/** Ends it, and checks that no interval is left running. */
	end = async (): Promise<void> => {
		await this.uplink.close();
		await turn();
		const { intervals } = this.clock;
		this.clock.restore();
		for (const mock of [this.binding, this.#random, this.#printed]) mock.mockRestore();
		expect(intervals, "intervals left running").toBe(0);
	};
}
