// An Uplink whose hub, network and clock the test controls (far-hub.ts); a new one for each test.
import { expect, spyOn } from "bun:test";
import type { PeerEvent } from "../../src/peer/events.ts";
import type { HubService } from "../../src/peer/hub-services.ts";
import { HUB_WAIT_MS, LASTING_MS } from "../../src/peer/limits.ts";
import { peerReporter } from "../../src/peer/reporter.ts";
import { Uplink } from "../../src/peer/uplink.ts";
import * as endpoints from "../../src/transport/endpoint.ts";
import type { EndpointAddr } from "../../src/transport/iroh.ts";
import { Clock, FarConnection, FarEndpoint, type FarStream, type HubBehaviour, type Key } from "./far-hub.ts";
import { turn } from "./native-halves.ts";

export class PeerSide {
	readonly clock = new Clock();
	readonly endpoint = new FarEndpoint();
	/** The endpoints that were bound for parallel attempts, and their keys. */
	readonly parallel: FarEndpoint[] = [];
	readonly keys: Key[] = [];
	/** What Math.random returns: 0 to 1. */
	random = 1;
	/** The hub's services as the uplink passed them on, each time. */
	readonly heard: (readonly HubService[])[] = [];
	/** The uplink's events. They are also printed. */
	readonly events: PeerEvent[] = [];
	#report = peerReporter();
	readonly binding = spyOn(endpoints, "bindEndpoint").mockImplementation(async (options) => {
		this.keys.push((options as unknown as { key: Key }).key);
		const other = new FarEndpoint();
		if (this.endpoint.outcome) other.outcome = this.endpoint.outcome;
		this.parallel.push(other);
		return other.asEndpoint;
	});
	uplink = this.start();
	#random = spyOn(Math, "random").mockImplementation(() => this.random);
	#printed = spyOn(process.stderr, "write").mockReturnValue(true);

	/** Replaces the uplink by a new one. */
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
			onServices: ({ services }) => this.heard.push(services),
		});
		return this.uplink;
	}

	/** Makes the first connection. Every later attempt hangs until the test lets it succeed. */
	connected = async (behaviour: HubBehaviour = {}): Promise<FarConnection> => {
		const connection = new FarConnection(behaviour);
		const connecting = this.uplink.connect();
		this.endpoint.let(connection);
		await connecting;
		return connection;
	};

	/** Makes the first connection and waits until it has been in use long enough to count as a good one. */
	connectedForLong = async (behaviour: HubBehaviour = {}): Promise<FarConnection> => {
		const connection = await this.connected(behaviour);
		await this.clock.pass(LASTING_MS + 1);
		return connection;
	};

	/** Lets the attempt under way succeed, and expects that its connection is put in use. */
	connectedAgain = async (behaviour: HubBehaviour = {}): Promise<FarConnection> => {
		const connection = new FarConnection(behaviour);
		this.endpoint.let(connection);
		await turn();
		expect(await this.ask()).toBe(connection);
		return connection;
	};

	/** Asks for a stream, as a new local connection does: the connection that it is on, or why there is none. */
	ask = (): Promise<FarConnection | string> =>
		this.uplink.openStream("frontend", this.clock.now + HUB_WAIT_MS).then(
			(stream) => (stream as unknown as FarStream).from,
			(error: Error) => error.message,
		);

	/** How often these words were printed on stderr. */
	told = (words: string): number =>
		this.#printed.mock.calls
			.map(([text]) => String(text))
			.join("")
			.split(words).length - 1;

	/** The milliseconds from the start of each attempt to the start of the next. */
	pauses = (): number[] =>
		this.endpoint.attempts.slice(1).map(({ at }, i) => at - (this.endpoint.attempts[i]?.at ?? 0));

	/** Closes the uplink and expects that no interval is left running. */
	end = async (): Promise<void> => {
		await this.uplink.close();
		await turn();
		const { intervals } = this.clock;
		this.clock.restore();
		for (const mock of [this.binding, this.#random, this.#printed]) mock.mockRestore();
		expect(intervals, "intervals left running").toBe(0);
	};
}
