// Which program listens on a TCP port of this machine, without connecting to it and as far as the system tells: by /proc
// on Linux, by lsof on macOS; elsewhere nothing is known. For messages, and to look without being noticed.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Address } from "./address.ts";

export interface PortOwner {
	/** Where it listens; "0.0.0.0" and "::" mean every address. */
	address: Address;
	/** Its process id and name; undefined where the system does not tell, as for another user's process. */
	pid: number | undefined;
	program: string | undefined;
}

/** Who listens on these TCP ports: empty when nobody does, undefined where the system does not tell. */
export function listenersOn(...ports: number[]): PortOwner[] | undefined {
	return ports.length === 0 ? [] : ownersOf(ports);
}

/** Who listens on any TCP port. A program has an entry for each of its addresses. Undefined where the system does not tell. */
export function allListeners(): PortOwner[] | undefined {
	return ownersOf(undefined);
}

/**
 * Where somebody listens on TCP `port`, by Linux's table; undefined where there is none. Reading it takes 5 to 15 ms of
 * the kernel's time (measured), and does not hold this thread up.
 */
export async function listeningOn(port: number): Promise<Address[] | undefined> {
	if (process.platform !== "linux") return undefined;
	try {
		const tables = await Promise.all(TABLES.map((table) => readFile(table, "utf8")));
		return tables.flatMap((table) => listenersIn(table, [port])).map(({ address }) => address);
	} catch {
		return undefined;
	}
}

/** "node (pid 4711)", or "another program" where that is not known. */
export function ownerName({ pid, program }: PortOwner): string {
	return pid === undefined ? "another program" : `${program ?? "a program"} (pid ${pid})`;
}

// --- internal ---

/** The state of a listening socket in /proc/net/tcp (include/net/tcp_states.h). */
const LISTEN = "0A";

/** Undefined: all ports. */
type Ports = readonly number[] | undefined;

function ownersOf(ports: Ports): PortOwner[] | undefined {
	try {
		if (process.platform === "linux") return fromProc(ports);
		if (process.platform === "darwin") return fromLsof(ports);
	} catch {
		// No /proc, no lsof: nothing is known.
	}
	return undefined;
}

const TABLES = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];

/** The listening sockets in a table of the kernel (proc_net_tcp.rst). */
function listenersIn(table: string, ports: Ports): { address: Address; inode: string }[] {
	const rows = table.trim().split("\n").slice(1);
	return rows.flatMap((row) => {
		const [, local = "", , state, , , , , , inode = ""] = row.trim().split(/\s+/);
		const [host = "", hex = ""] = local.split(":");
		const port = Number.parseInt(hex, 16);
		if (state !== LISTEN || ports?.includes(port) === false) return [];
		return [{ address: { host: procHost(host), port }, inode }];
	});
}

function fromProc(ports: Ports): PortOwner[] {
	const sockets = TABLES.flatMap((table) => listenersIn(readFileSync(table, "utf8"), ports));
	if (sockets.length === 0) return [];
	const pids = socketOwners(new Set(sockets.map(({ inode }) => inode)));
	return sockets.map(({ address, inode }) => {
		const pid = pids.get(inode);
		return { address, pid, program: pid === undefined ? undefined : commandName(pid) };
	});
}

/** /proc/net writes an address as 32-bit words in the machine's byte order; every supported machine is little-endian. */
function procHost(hex: string): string {
	const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, "hex")].reverse());
	if (bytes.length === 4) return bytes.join(".");
	const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
	return new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]/`).hostname.slice(1, -1);
}

/** The process of each socket inode, among the processes that this user may look at. */
function socketOwners(inodes: ReadonlySet<string>): Map<string, number> {
	const found = new Map<string, number>();
	for (const pid of readdirSync("/proc")) {
		if (!/^\d+$/.test(pid) || found.size === inodes.size) continue;
		try {
			for (const fd of readdirSync(`/proc/${pid}/fd`)) {
				const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
				if (inode !== undefined && inodes.has(inode)) found.set(inode, Number(pid));
			}
		} catch {
			// Another user's process, or one that has just ended.
		}
	}
	return found;
}

function commandName(pid: number): string | undefined {
	try {
		return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
	} catch {
		return undefined;
	}
}

/** lsof(8) with -F writes one field a line, named by its first letter: p process, c command, n name. */
function fromLsof(ports: Ports): PortOwner[] {
	const which = ports ? `-iTCP:${ports.join(",")}` : "-iTCP";
	const { stdout } = Bun.spawnSync(["lsof", "-nP", which, "-sTCP:LISTEN", "-Fpcn"]);
	const owners: PortOwner[] = [];
	let pid: number | undefined;
	let program: string | undefined;
	for (const line of stdout.toString().split("\n")) {
		const value = line.slice(1);
		if (line.startsWith("p")) pid = Number(value);
		else if (line.startsWith("c")) program = value;
		else if (line.startsWith("n")) {
			const colon = value.lastIndexOf(":");
			const host = value.slice(0, colon).replace(/^\[|\]$/g, "");
			const port = Number(value.slice(colon + 1));
			owners.push({ address: { host: host === "*" ? "::" : host, port }, pid, program });
		}
	}
	return owners;
}
