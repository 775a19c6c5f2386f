// Client state machines and the mailbox server in memory, connected by queues: a test chooses what is delivered, dropped
// or repeated, and when the server loses everything. Time passes only when a test says so.
import { begin, step } from "../../src/wormhole/client/machine.ts";
import type { Effect, Event, Outcome, Secrets, Setup, State, TimerName } from "../../src/wormhole/client/state.ts";
import { parseServerMessage } from "../../src/wormhole/messages.ts";
import { Rendezvous } from "../../src/wormhole/server/rendezvous.ts";
import type { Session } from "../../src/wormhole/server/session.ts";

export const TICKET = "endpointaaaaaaaa2345";

/** Secrets that are the same in every run; `seed` distinguishes the clients of one world. */
export function secrets(seed: number): Secrets {
	const side = seed.toString(16).padStart(10, "0");
	return {
		side,
		scalar: BigInt(seed) + 1n,
		nonces: [new Uint8Array(24).fill(seed), new Uint8Array(24).fill(seed + 128)],
	};
}

/** What a client's version message announces: a native client names itself, a text client announces nothing. */
export type Announce = "hivemind-p2p" | "nothing";

const VERSIONS = { "hivemind-p2p": { "hivemind-p2p": { v: 1 } }, nothing: {} };

export function offer(seed: number, announce: Announce = "hivemind-p2p"): Setup {
	const versions = VERSIONS[announce];
	return { role: "offer", appid: "app", versions, secrets: secrets(seed), words: "hamburger-endorse", ticket: TICKET };
}

export function redeem(seed: number, text: string, announce: Announce = "hivemind-p2p"): Setup {
	const nameplate = text.split("-", 1)[0] as string;
	return {
		role: "redeem",
		appid: "app",
		versions: VERSIONS[announce],
		secrets: secrets(seed),
		code: { nameplate, text },
	};
}

export class World {
	rendezvous = new Rendezvous(() => this.now);
	clients: Client[] = [];
	now = 0;

	client(setup: Setup): Client {
		const client = new Client(this, setup);
		this.clients.push(client);
		return client;
	}

	/** The server is killed and comes back empty. */
	restart(): void {
		for (const client of this.clients) client.drop();
		this.rendezvous = new Rendezvous(() => this.now);
	}

	/** Everything that can happen next without a fault. */
	moves(): (() => void)[] {
		return this.clients.flatMap((client) => client.moves());
	}

	/** Runs until nothing more can happen without time passing. */
	settle(onMove: (index: number) => void = () => {}): void {
		for (let index = 0; ; index++) {
			if (index > 1000) throw new Error("the world does not settle");
			const [move] = this.moves();
			if (!move) return;
			move();
			onMove(index);
		}
	}
}

export class Client {
	state: State;
	outcome: Outcome | undefined;
	/** The code that works, as far as this client knows. */
	live: string | undefined;
	readonly timers = new Set<TimerName>();
	readonly motds: string[] = [];
	/** Frames in transit. */
	toServer: string[] = [];
	toClient: string[] = [];
	#world: World;
	#session: Session | undefined;
	#greeted = false;

	constructor(world: World, setup: Setup) {
		this.#world = world;
		this.state = begin(setup);
	}

	get connected(): boolean {
		return this.#session !== undefined;
	}

	dispatch(event: Event): Effect[] {
		const before = this.state;
		const frozen = JSON.stringify(before, plain);
		const { state, effects } = step(before, event);
		if (JSON.stringify(before, plain) !== frozen) throw new Error("a step changed the state that it was given");
		this.state = state;
		for (const effect of effects) this.#run(effect);
		return effects;
	}

	connect(): void {
		this.#greeted = false;
		this.#session = this.#world.rendezvous.connect("address", {
			send: (message) => this.toClient.push(JSON.stringify(message)),
			close: () => this.drop(),
		});
	}

	drop(): void {
		if (!this.#session) return;
		this.#session.disconnected();
		this.#session = undefined;
		this.toServer = [];
		this.toClient = [];
		this.live = undefined;
		if (this.#greeted) this.dispatch({ type: "dropped" });
	}

	moves(): (() => void)[] {
		if (this.state.ending?.stage === "done") return [];
		if (!this.#session) return [() => this.connect()];
		const moves: (() => void)[] = [];
		if (!this.#greeted) {
			return [
				() => {
					this.#greeted = true;
					this.dispatch({ type: "connected" });
				},
			];
		}
		if (this.toServer.length > 0) {
			moves.push(() => this.#session?.receive(this.toServer.shift() as string));
		}
		if (this.toClient.length > 0) moves.push(() => this.deliver(this.toClient.shift() as string));
		return moves;
	}

	/** Delivers one of the next mailbox messages, in any order and possibly twice, as a server may do. */
	reorder(choice: number): void {
		const next = this.toClient.findIndex((frame) => !frame.startsWith('{"type":"message"'));
		const run = next < 0 ? this.toClient.length : next;
		const frame = this.toClient[choice % Math.max(1, run)];
		if (!this.#greeted || run === 0 || frame === undefined) return;
		this.deliver(frame);
		if (choice % 3 !== 0) this.toClient.splice(this.toClient.indexOf(frame), 1);
	}

	deliver(frame: string): void {
		const message = parseServerMessage(frame);
		if (message) this.dispatch({ type: "message", message });
	}

	#run(effect: Effect): void {
		if (effect.type === "send") this.toServer.push(JSON.stringify(effect.message));
		else if (effect.type === "timer" && effect.ms === undefined) this.timers.delete(effect.name);
		else if (effect.type === "timer") this.timers.add(effect.name);
		else if (effect.type === "live") this.live = effect.code;
		else if (effect.type === "motd") this.motds.push(effect.text);
		else if (effect.type === "hangup") this.drop();
		else if (effect.type === "done") {
			if (this.outcome) throw new Error("done twice");
			this.outcome = effect.outcome;
			this.#session?.disconnected();
			this.#session = undefined;
			this.toServer = [];
			this.toClient = [];
		}
	}
}

// --- internal ---

function plain(_: string, value: unknown): unknown {
	return typeof value === "bigint" ? String(value) : value;
}
