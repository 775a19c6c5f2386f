// A hub and a peer to experiment on: the executable on two hosts, a service behind the hub, and a probe on the peer's host
// that tells when the tunnel works. The hosts are namespaces (network.ts), or both are this machine's loopback.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { type Host, HUB_ADDRESS, Network, ROUTER_ADDRESS } from "./network.ts";
import { Process } from "./process.ts";

export const EXECUTABLE = process.env.HIVEMIND_P2P_EXECUTABLE ?? join(import.meta.dir, "../../dist/hivemind-p2p");

const PORT = 7843;

/** The relay that `IROH_RELAY` names, or the one in PATH; undefined if there is none. */
export const RELAY = process.env.IROH_RELAY ?? Bun.which("iroh-relay") ?? undefined;

/** Where {@link RELAY} listens with `--dev`. */
const RELAY_URL = `http://${ROUTER_ADDRESS}:3340`;

/** Nothing listens there. */
const DOWN = "127.0.0.1:1";

export interface Usable {
	/** Seconds from the repair to the first answered request after which every request was answered. */
	seconds: number;
	/** Requests from before the repair that were not answered. */
	lost: number;
}

interface Answer {
	begun: number;
	over: number;
	ok: boolean;
}

export class World implements AsyncDisposable {
	/** The network between the hosts; undefined on loopback. */
	readonly network: Network | undefined;
	#address: string;
	#dir = mkdtempSync(join(tmpdir(), "chaos-"));
	#processes: Process[] = [];
	#hub: Process | undefined;
	#relay: Process | undefined;
	#peer: Process | undefined;
	#service = "";
	#port = "";
	#ticket = "";
	#status = "";
	#answers: Answer[] = [];
	#begun = performance.now();

	private constructor(network: Network | undefined, address: string) {
		this.network = network;
		this.#address = address;
	}

	/**
	 * A hub, a peer and a probe that has received its first answers. `addresses` is how many the hub's host has. `relay`:
	 * the router runs a relay; `only`: there is no direct path from the start.
	 */
	static async create(
		hosts: "namespaces" | "loopback",
		{ addresses = 1, relay }: { addresses?: number; relay?: "beside" | "only" | undefined } = {},
	): Promise<World> {
		if (!existsSync(EXECUTABLE)) throw new Error(`${EXECUTABLE} is missing: build it first with 'bun run build'`);
		const world = new World(
			hosts === "namespaces" ? await Network.create() : undefined,
			hosts === "loopback" ? `127.0.0.1:${await freePort()}` : `${addresses > 1 ? "0.0.0.0" : HUB_ADDRESS}:${PORT}`,
		);
		try {
			if (addresses > 1) await world.network?.addSecondAddress();
			if (relay) await world.startRelay();
			if (relay === "only") await world.network?.cutDirectPath();
			await world.#start();
		} catch (error) {
			await world[Symbol.asyncDispose]();
			throw error;
		}
		return world;
	}

	get hub(): Process {
		return this.#hub as Process;
	}

	get relay(): Process {
		return this.#relay as Process;
	}

	get peer(): Process {
		return this.#peer as Process;
	}

	get ticket(): string {
		return this.#ticket;
	}

	/** The URL of the hub's status server, where everything is on loopback. */
	get status(): string {
		return this.#status;
	}

	/** Starts the relay on the router; each time on the same port. */
	async startRelay(): Promise<void> {
		this.#relay = this.run("relay", "router", "env", "RUST_LOG=info", "NO_COLOR=1", RELAY as string, "--dev");
		await this.#relay.line(/relay: serving on/);
	}

	/** Starts the hub; each time on the same port, with the same identity. */
	async startHub(): Promise<void> {
		const arguments_ = ["share", this.#service, DOWN, DOWN, "chaos", "--identity", join(this.#dir, "hub")];
		const status = this.network ? [] : ["--status-addr", "127.0.0.1:0"];
		const bind = [...this.#relayOptions(), "--ipv4-addr", this.#address, "-vvv", ...status];
		this.#hub = this.run("hub", "hub", EXECUTABLE, ...arguments_, ...bind);
		if (!this.network) this.#status = (await this.#hub.line(/^Status: (http:\S+)\?token=/))[1] ?? "";
		const [, ticket = ""] = await this.#hub.line(/^Ticket: (\S+)/);
		this.#ticket = ticket;
	}

	/** A hub of the same services that shows join codes, and what `join` needs for one: the router has the mailbox server. */
	async code(): Promise<string[]> {
		const mailbox = this.run("mailbox", "router", EXECUTABLE, "mailbox", "--listen", `${ROUTER_ADDRESS}:0`);
		const [, server = ""] = await mailbox.line(/codes: (ws:\S+)/);
		const codes = ["--wormhole-relay", server];
		const sharing = ["share", this.#service, DOWN, DOWN, "codes", "--wormhole", ...codes, ...this.#relayOptions()];
		const hub = this.run("hub with codes", "hub", EXECUTABLE, ...sharing);
		const [, code = ""] = await hub.line(/Join code: (\S+)/);
		return ["--join-code", code, ...codes];
	}

	/**
	 * Waits until the tunnel works again: a request is answered after `repaired`, and so is every one that begins within
	 * `holdMs` after that. Undefined if no such answer comes within `limitMs` of the repair.
	 */
	async usable(repaired: number, limitMs: number, holdMs: number): Promise<Usable | undefined> {
		for (;;) {
			const now = performance.now();
			let candidate: number | undefined;
			let lost = 0;
			for (const { begun, over, ok } of this.#answers) {
				if (!ok && begun < repaired) lost++;
				if (over < repaired) continue;
				if (ok) candidate ??= over;
				// A request that began before the first answer may still be waiting on the old connection.
				else if (candidate !== undefined && begun > candidate) candidate = undefined;
			}
			const late = (candidate ?? now) - repaired > limitMs;
			if (late) return undefined;
			if (candidate !== undefined && now > candidate + holdMs + PROBE_PATIENCE_MS)
				return { seconds: (candidate - repaired) / 1000, lost };
			await Bun.sleep(20);
		}
	}

	/** Starts a program on one of the hosts; it ends with the world. */
	run(name: string, host: Host, ...command: string[]): Process {
		const process = new Process(name, this.network?.at(host) ?? [], command);
		this.#processes.push(process);
		return process;
	}

	/** Starts a peer and waits for its services; `port` is the frontend's. */
	async join(name: string, invitation = ["--ticket", this.#ticket]): Promise<{ process: Process; port: string }> {
		const bind = this.network ? [] : ["--ipv4-addr", "127.0.0.1:0"];
		const free = ["--frontend-addr", "127.0.0.1:0", "--backend-addr", "127.0.0.1:0", "--ws-addr", "127.0.0.1:0"];
		const joining = ["join", name, ...invitation, ...this.#relayOptions(), "-vvv", ...bind, ...free];
		const process = this.run(name, "peer", EXECUTABLE, ...joining);
		const [, port = ""] = await process.line(/frontend\s+http:\/\/127\.0\.0\.1:(\d+)/);
		return { process, port };
	}

	/** The command that probes the peer every `period` milliseconds (probe.ts). */
	probing(period: number): string[] {
		return [process.execPath, script("probe"), this.#port, `${period}`];
	}

	/**
	 * Starts a transfer of `bytes` bytes each way, and resolves when both are under way. `exact` rejects if other bytes
	 * arrive, or if a transfer was over before the repair, since then it proves nothing.
	 */
	async transfer(bytes: number): Promise<{ exact(repaired: number, timeoutMs: number): Promise<void> }> {
		const client = this.run("transfer", "peer", process.execPath, script("bulk"), this.#port, `${bytes}`);
		await client.line(/^begun$/);
		const exact = async (repaired: number, timeoutMs: number) => {
			const ways = [/^down (.*)/, /^up (.*)/].map((way) => client.line(way, timeoutMs));
			for (const [line, how] of await Promise.all(ways)) if (how !== "exact") throw new Error(line);
			const early = client.lines.find(({ at, text }) => /^(down|up) /.test(text) && at < repaired);
			if (early) throw new Error(`the transfer was over before the repair (${early.text})`);
		};
		return { exact };
	}

	/** What all programs printed, in order, with seconds since `zero`. */
	report(zero = this.#begun): string {
		const all = this.#processes.flatMap(({ name, lines }) => lines.map((line) => ({ name, ...line })));
		return all
			.sort((a, b) => a.at - b.at)
			.filter(({ name, text }) => name !== "probe" && !/ bytes (in|out), /.test(text))
			.map(({ at, name, text }) => `${((at - zero) / 1000).toFixed(2).padStart(8)}  ${name}: ${text}\n`)
			.join("");
	}

	/** The probe's requests in order: `.` answered, `x` not answered, a space at the repair. */
	picture(repaired: number): string {
		const letters = (list: Answer[]) => list.map(({ ok }) => (ok ? "." : "x")).join("");
		const answers = this.#answers.toSorted((a, b) => a.begun - b.begun);
		const after = answers.findIndex(({ begun }) => begun >= repaired);
		return `${letters(answers.slice(Math.max(0, after - 50), after))} ${letters(answers.slice(after))}`;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		// SIGKILL also ends a program that is stopped.
		await Promise.all(this.#processes.map((process) => process[Symbol.asyncDispose]()));
		await this.network?.[Symbol.asyncDispose]();
		rmSync(this.#dir, { recursive: true, force: true });
	}

	// --- internal ---

	#relayOptions(): string[] {
		return this.#relay ? ["--relay-url", RELAY_URL] : ["--no-relay"];
	}

	async #start(): Promise<void> {
		const service = this.run("service", "hub", process.execPath, script("service"));
		const [port] = await service.line(/^\d+$/);
		this.#service = `127.0.0.1:${port}`;
		await this.startHub();
		const peer = await this.join("peer");
		this.#peer = peer.process;
		this.#port = peer.port;
		const probe = this.run("probe", "peer", ...this.probing(100));
		probe.onLine = (line) => {
			const [, ok, took] = /^(ok|no) ([\d.]+)/.exec(line) ?? [];
			const over = performance.now();
			this.#answers.push({ begun: over - Number(took), over, ok: ok === "ok" });
		};
		const works = await this.usable(performance.now(), 10_000, 300);
		if (!works) throw new Error(`the tunnel does not work at all\n${this.report()}`);
	}
}

// --- internal ---

/** The probe gives a request up after this (probe.ts). */
const PROBE_PATIENCE_MS = 1000;

const script = (name: string): string => join(import.meta.dir, `${name}.ts`);
