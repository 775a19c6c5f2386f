// Marks of addresses that a program listens on. Another program can tell from them that it is about to connect to that
// one, if both run on the same machine; elsewhere they say nothing (PROTOCOL.md, "Loops").
import { readFileSync, readlinkSync } from "node:fs";
import { type Address, canonicalHost, isLiteral, isLocalhost } from "./address.ts";

/**
 * The marks of what listens at `address`, for the hub with this public id only. None for a name other than localhost,
 * and none where the machine cannot be told from others.
 */
export function localMarks({ host, port }: Address, hubId: string): string[] {
	const machine = machineKey();
	if (machine === "") return [];
	const hosts = isLocalhost(host) ? ["127.0.0.1", "::1"] : isLiteral(host) ? [canonicalHost(host)] : [];
	return hosts.map((one) => mark(machine, one, port, hubId));
}

// --- internal ---

/** 16 bytes, in hexadecimal. */
const MARK_LENGTH = 32;

/** Another hub gets another mark, so that no two can find out that they see the same machine. */
function mark(machine: string, host: string, port: number, hubId: string): string {
	const hash = new Bun.CryptoHasher("sha256").update(JSON.stringify([machine, hubId, host, port]));
	return hash.digest("hex").slice(0, MARK_LENGTH);
}

let known: string | undefined;

/**
 * What programs of this machine know, and nobody else can guess, or a remote peer could make a hub refuse its own
 * services; "" where the system has no such thing. On Linux also the network namespace, because each container has its
 * own loopback addresses.
 */
function machineKey(): string {
	known ??= fromSystem();
	return known;
}

function fromSystem(): string {
	const said = (...command: string[]) => Bun.spawnSync(command).stdout.toString().trim();
	try {
		switch (process.platform) {
			case "linux":
				return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${readlinkSync("/proc/self/ns/net")}`;
			case "darwin":
				return said("sysctl", "-n", "kern.bootsessionuuid");
			case "win32":
				return said("reg", "query", "HKLM\\SOFTWARE\\Microsoft\\Cryptography", "/v", "MachineGuid");
		}
	} catch {
		// A sandbox without /proc, or without these programs.
	}
	return "";
}
