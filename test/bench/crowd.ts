// Many peers of one hub, in a process of their own (peers.ts), and a hub that can be killed and started again.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { within } from "../../src/base/timers.ts";
import { freePort } from "../chaos/free-port.ts";
import { Process } from "../chaos/process.ts";
import { EXECUTABLE } from "./tunnel.ts";

/** A hub that can be started again: it keeps its identity and its port. */
export class HubPlace implements AsyncDisposable {
	ticket = "";
	#dir = mkdtempSync(join(tmpdir(), "soak-"));
	#options: string[];
	#hub: Process | undefined;

	private constructor(port: string, maxPeers: number) {
		const bind = ["--no-relay", "--ipv4-addr", `127.0.0.1:${port}`];
		this.#options = [...bind, "--identity", join(this.#dir, "hub"), "--max-peers", `${maxPeers}`];
	}

	static async make(maxPeers: number): Promise<HubPlace> {
		return new HubPlace(`${await freePort()}`, maxPeers);
	}

	async start(): Promise<Process> {
		const nothing = "127.0.0.1:1";
		this.#hub = new Process("hub", [], [EXECUTABLE, "share", nothing, nothing, nothing, "soak", ...this.#options]);
		this.ticket = (await this.#hub.line(/^Ticket: (\S+)/))[1] ?? "";
		return this.#hub;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#hub?.[Symbol.asyncDispose]();
		rmSync(this.#dir, { recursive: true, force: true });
	}
}

/** A process with peers (peers.ts). `reach` resolves with the times of a line, once it has been printed so often. */
export function crowd(ticket: string, what: "stay" | "leave", count: number) {
	const command = [process.execPath, join(import.meta.dir, "peers.ts"), ticket, what, `${count}`];
	const program = new Process("peers", [], command);
	const times: Record<string, number[]> = {};
	let onMore = () => {};
	program.onLine = (line) => {
		times[line] ??= [];
		times[line].push(performance.now());
		onMore();
	};
	const reach = async (line: string, wanted: number, timeoutMs = 120_000): Promise<number[]> => {
		const there = () => times[line] ?? [];
		const reached = new Promise<void>((resolve) => {
			onMore = () => there().length >= wanted && resolve();
			onMore();
		});
		const ended = program.exited.then(() => Promise.reject(new Error(`the peers ended\n${program.report(0)}`)));
		const late = () => new Error(`'${line}' ${there().length} of ${wanted} times within ${timeoutMs / 1000} s`);
		await within(timeoutMs, Promise.race([reached, ended]), late);
		return there();
	};
	return { process: program, reach, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}
