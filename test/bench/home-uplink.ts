// Two hosts, the hub's and the peer's, joined by a slow wire: network namespaces without any other way out, so no packet
// can leave. They live as long as the processes that hold them.
import { join } from "node:path";
import { type Program, startProgram } from "./programs.ts";
import { DEVICE } from "./slow-link.ts";

/** An uplink as many homes have it, and a way to a colleague in another country. */
export const MBIT = 20;
export const ROUND_TRIP_MS = 40;
const QUEUE_BYTES = 256 * 1024;

export const HUB_HOST = "10.204.0.1";
const PEER_HOST = "10.204.0.2";

export class HomeUplink {
	#programs: Program[] = [];

	/** @throws Error where namespaces or TUN devices are not allowed */
	static async create(): Promise<HomeUplink> {
		const link = new HomeUplink();
		try {
			await link.#start();
		} catch (error) {
			await link.stop();
			throw error;
		}
		return link;
	}

	/** The words in front of a command that make it run there. */
	at(host: "hub" | "peer"): string[] {
		const { pid } = this.#programs[host === "hub" ? 0 : 1] as Program;
		return ["nsenter", `--net=/proc/${pid}/ns/net`];
	}

	async stop(): Promise<void> {
		for (const program of this.#programs.reverse()) await program.stop();
	}

	// --- internal ---

	async #start(): Promise<void> {
		const hold = ["unshare", "-n", "sh", "-c", "ip link set lo up && echo ready && exec sleep 3600"];
		for (let i = 0; i < 2; i++) this.#programs.push(await startProgram(hold, /ready/));
		const pids = this.#programs.map(({ pid }) => String(pid));
		const limits = [MBIT, ROUND_TRIP_MS / 2, QUEUE_BYTES].map(String);
		const shaper = [process.execPath, join(import.meta.dir, "slow-link.ts"), ...pids, ...limits];
		this.#programs.push(await startProgram(shaper, /up/));
		for (const [host, address] of [
			["hub", HUB_HOST],
			["peer", PEER_HOST],
		] as const) {
			const up = `ip address add ${address}/24 dev ${DEVICE} && ip link set ${DEVICE} up`;
			const { exitCode, stderr } = Bun.spawnSync([...this.at(host), "sh", "-c", up]);
			if (exitCode !== 0) throw new Error(stderr.toString().trim());
		}
	}
}
