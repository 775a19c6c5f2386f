// The hub, the peer and the service of the benchmark and the soak run, each in a process of its own. Hub and peer are the
// executable.
import { join } from "node:path";
import { type Program, startProgram } from "./programs.ts";
import { ONE_MACHINE, type Sides } from "./sides.ts";

export const EXECUTABLE = join(import.meta.dir, "../../dist/hivemind-p2p");

const OFFLINE = ["--no-relay", "--ipv4-addr", "127.0.0.1:0"];
const FREE_PORTS = ["--frontend-addr", "127.0.0.1:0", "--backend-addr", "127.0.0.1:0", "--ws-addr", "127.0.0.1:0"];

export interface BenchTunnel {
	hub: Program;
	peer: Program;
	/** The peer's local port for the service. */
	port: number;
	stop(): Promise<void>;
}

/** The service (service.ts); its port is `Number(match[1])`. */
export const startService = (): Promise<Program> =>
	startProgram([process.execPath, join(import.meta.dir, "service.ts")], /^(\d+)$/m);

export interface TunnelOptions {
	executable?: string;
	sides?: Sides;
	/** More options for both sides. */
	options?: readonly string[];
}

export async function startTunnel(
	servicePort: number,
	{ executable = EXECUTABLE, sides = ONE_MACHINE, options = [] }: TunnelOptions = {},
): Promise<BenchTunnel> {
	const service = `127.0.0.1:${servicePort}`;
	const away = sides === ONE_MACHINE ? OFFLINE : ["--no-relay"];
	const hub = await startProgram(
		[...sides.hub, executable, "share", service, service, service, "bench", ...away, ...options],
		/Ticket: (\S+)/,
	);
	const peer = await startPeer(hub.match[1] as string, { executable, sides, options });
	const stop = async () => {
		await peer.stop();
		await hub.stop();
	};
	return { hub, peer, port: Number(peer.match[1]), stop };
}

/** A peer whose local port for the service is `Number(match[1])`. */
export function startPeer(
	ticket: string,
	{ executable = EXECUTABLE, sides = ONE_MACHINE, options = [] }: TunnelOptions = {},
): Promise<Program> {
	const away = sides === ONE_MACHINE ? OFFLINE : ["--no-relay"];
	const joining = ["join", "bench", "--ticket", ticket, ...FREE_PORTS, ...away, ...options];
	return startProgram([...sides.peer, executable, ...joining], /frontend\s+http:\/\/127\.0\.0\.1:(\d+)[\s\S]*Ctrl/);
}

/**
 * Milliseconds from starting `join --join-code` until the services are usable, measured `times` times, with our own
 * mailbox server on loopback.
 */
export async function joinsByCode(servicePort: number, times: number): Promise<number[]> {
	const address = `127.0.0.1:${servicePort}`;
	const mailbox = await startProgram([EXECUTABLE, "mailbox", "--listen", "127.0.0.1:0"], /codes: (ws:\S+)/);
	const relay = ["--wormhole-relay", mailbox.match[1] as string];
	const results: number[] = [];
	for (let i = 0; i < times; i++) {
		const hub = await startProgram(
			[EXECUTABLE, "share", address, address, address, "bench", "--wormhole", ...relay, ...OFFLINE],
			/Join code: (\S+)/,
		);
		const peer = await startProgram(
			[EXECUTABLE, "join", "bench", "--join-code", hub.match[1] as string, ...relay, ...FREE_PORTS, ...OFFLINE],
			/Press Ctrl/,
		);
		results.push(peer.readyMs);
		await peer.stop();
		await hub.stop();
	}
	await mailbox.stop();
	return results;
}

/** Resident memory in MB (Linux). */
export async function rss(program: { pid: number }): Promise<number> {
	const status = await Bun.file(`/proc/${program.pid}/status`).text();
	return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}
