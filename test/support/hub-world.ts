// A hub with its screen, its peers, and its clocks, which only move when the test moves them.
import { expect, type Mock, spyOn } from "bun:test";
import { setVerbosity } from "../../src/base/output.ts";
import { RESET_GRACE_MS } from "../../src/forward/limits.ts";
import { type Policy, teamPolicy } from "../../src/hub/admission.ts";
import type { HubEvent } from "../../src/hub/events.ts";
import { Hub } from "../../src/hub/hub.ts";
import { hubReporter } from "../../src/hub/reporter.ts";
import { newSecret } from "../../src/invite/secret.ts";
import { Clock } from "./far-hub.ts";
import { FarPeer, hello } from "./far-peer.ts";
import { turn } from "./native-halves.ts";
import { withoutProbes } from "./probes.ts";

const SERVICES = [1, 2, 3].map((port) => ({ host: "127.0.0.1", port }));

export class HubWorld {
	readonly clock = new Clock();
	readonly secret = newSecret();
	hub: Hub;
	/** Everything that the hub has told. */
	readonly events: HubEvent[] = [];
	/** What the wall clock says when the monotonic one says 0: somebody sets the clock by changing it. */
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

	/** The hub of before gives way to another one. */
	async openInstead(policy: Partial<Policy>, { probes = false } = {}): Promise<void> {
		await this.hub.stop();
		this.#report = hubReporter();
		this.hub = this.#open(policy, probes);
	}

	/** A connection that has said nothing yet. */
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

	/** How often these words appear on the screen. */
	told(words: string): number {
		const screen = this.#printed.mock.calls.map(([line]) => String(line)).join("");
		return screen.split(words).length - 1;
	}

	/** All peers leave, and nothing may be left. */
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
