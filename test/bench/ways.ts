// The ways to the web server that the benchmark compares, each with its processes. On a slow link the hub's side of each
// way runs on one host and the peer's side on the other.
import { startDumbpipe, startSsh } from "./others.ts";
import type { Program } from "./programs.ts";
import type { Sides } from "./sides.ts";
import { EXECUTABLE, startTunnel } from "./tunnel.ts";

export interface Way {
	name: string;
	/** Where the client connects. */
	port: number;
	/** The processes on the way, by what they are. */
	processes: Readonly<Record<string, number>>;
	stop(): Promise<void>;
}

/** Another executable of ours, and what its column is called. */
export interface Other {
	name: string;
	executable: string;
	options?: readonly string[];
}

/** Every way that this machine has; says which are left out. */
export async function startWays(servicePort: number, sides: Sides, others: readonly Other[]): Promise<Way[]> {
	const ways: Way[] = [];
	for (const { name, executable, options } of [
		{ name: "hivemind-p2p", executable: EXECUTABLE },
		...others,
	] as Other[]) {
		const tunnel = await startTunnel(servicePort, { executable, sides, ...(options && { options }) });
		const { hub, peer, port } = tunnel;
		ways.push({ name, port, processes: { hub: hub.pid, peer: peer.pid }, stop: tunnel.stop });
	}
	for (const start of [ssh, dumbpipe]) {
		try {
			ways.push(await start(servicePort, sides));
		} catch (error) {
			console.log(`Left out: ${(error as Error).message}.`);
		}
	}
	return ways;
}

// --- internal ---

async function ssh(servicePort: number, sides: Sides): Promise<Way> {
	const { sshd, client, port } = await startSsh(servicePort, sides);
	return { name: "ssh -L", port, processes: { sshd: sshd.pid, ssh: client.pid }, stop: () => stopAll(client, sshd) };
}

async function dumbpipe(servicePort: number, sides: Sides): Promise<Way> {
	const { listen, connect, port } = await startDumbpipe(servicePort, sides);
	const processes = { "dumbpipe listen-tcp": listen.pid, "dumbpipe connect-tcp": connect.pid };
	return { name: "dumbpipe", port, processes, stop: () => stopAll(connect, listen) };
}

async function stopAll(...programs: readonly Program[]): Promise<void> {
	for (const program of programs) await program.stop();
}
