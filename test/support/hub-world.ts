// A hub with its output, its peers, and its clocks, which move only when the test moves them.
import { expect, type Mock, spyOn } from "bun:test";
import { setVerbosity } from "../../src/base/output.ts";
import { RESET_GRACE_MS } from "../../src/forward/limits.ts";
import { type Policy, teamPolicy } from "../../src/hub/admission.ts";
import type { HubEvent } from "../../src/hub/events.ts";
import { Hub } from "../../src/hub/hub.ts";
import { hubReporter } from "../../src/hub/reporter.ts";
import { newSecret } from "../../src/invite/secret.ts";
import type { Message, Resume } from "../../src/protocol/control-messages.ts";
import { Clock } from "./far-hub.ts";
import { FarPeer, hello } from "./far-peer.ts";
import { turn } from "./native-halves.ts";
import { withoutProbes } from "./probes.ts";
import { originalServices } from "./shared-services.ts";

const SERVICES = originalServices(1, 2, 3);

/** What the hub's welcome has given the peer. */
export function resumeOf({ id, heard }: FarPeer): Resume {
	const welcome = heard.find((message) => message.type === "welcome");
	return { id, token: welcome?.resume ?? "" };
}

export class HubWorld {
	readonly clock = new Clock();
	readonly secret = newSecret();
	hub: Hub;
	/** Every event of the hub so far. */
	readonly events: HubEvent[] = [];
	/** The wall clock's time at the monotonic clock's 0. Changing it is like setting the machine's clock. */
	epoch = 1_800_000_000_000;
	#report = hubReporter();
	#peers: FarPeer[] = [];
	#probes: Disposable | undefined;
	#wallClock: Mock<typeof Date.now>;
	#printed: Mock<typeof process.stderr.write>;

	constructor() {
		this.#wallClock = spyOn(Date, "now").mockImplementation(() => this.epoch + this.clock.now);
		this.#printed = spyOn(process.stderr, "write").mockReturnValue(true);
		setVerbosity(1);
		this.hub = this.#open({}, false);
	}

	/** Stops the hub and opens another one. */
	async openInstead(policy: Partial<Policy>, { probes = false } = {}): Promise<void> {
		await this.hub.stop();
		this.#report = hubReporter();
		this.hub = this.#open(policy, probes);
	}

	/** A new connection that has sent nothing yet. */
	connect(id: string): FarPeer {
		const peer = new FarPeer(id.padStart(64, "0"));
		this.#peers.push(peer);
		this.hub.add(peer.asConnection);
		return peer;
	}

	/** A connection that was admitted. */
	async admit(id: string): Promise<FarPeer> {
		const peer = this.connect(id);
		peer.say(hello(this.secret));
		await turn();
		await turn();
		expect(peer.heard.map(({ type }) => type)).toEqual(["welcome"]);
		return peer;
	}

	/** A connection with another key that was admitted as one of this peer. */
	async resume(peer: FarPeer, key: string): Promise<FarPeer> {
		const again = this.connect(key);
		again.say({ ...hello(this.secret), resume: resumeOf(peer) } as Message);
		await turn();
		await turn();
		expect(again.heard.map(({ type }) => type)).toEqual(["welcome"]);
		return again;
	}

	/** How often these words were printed. */
	told(words: string): number {
		const screen = this.#printed.mock.calls.map(([line]) => String(line)).join("");
		return screen.split(words).length - 1;
	}

	/** Stops everything and expects that no interval is left running. */
	async end(): Promise<void> {
		await this.hub.stop();
		for (const peer of this.#peers) peer.leave("the test is over");
		await this.clock.pass(2 * RESET_GRACE_MS);
		this.#probes?.[Symbol.dispose]();
		const { intervals } = this.clock;
		setVerbosity(0);
		this.clock.restore();
		this.#wallClock.mockRestore();
		this.#printed.mockRestore();
		expect(intervals, "intervals left running").toBe(0);
	}

	// --- internal ---

	#open(policy: Partial<Policy>, probes: boolean): Hub {
		this.#probes?.[Symbol.dispose]();
		this.#probes = probes ? undefined : withoutProbes();
		const emit = (event: HubEvent) => {
			this.events.push(event);
			this.#report(event);
		};
		return new Hub(
			{
				id: "hub's id",
				name: "hub",
				services: SERVICES,
				policy: { ...teamPolicy(this.secret), maxPeers: 1000, ...policy },
			},
			emit,
		);
	}
}
