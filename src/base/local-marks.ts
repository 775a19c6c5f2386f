// Marks of addresses that a program listens on. Another program can tell from them that it is about to connect to that
// one, if both run on the same machine; elsewhere they say nothing (PROTOCOL.md, "The control stream").
import { readFileSync, readlinkSync } from "node:fs";
import { hostname, uptime } from "node:os";
import { type Address, canonicalHost, isLiteral, isLocalhost } from "./address.ts";

/** The marks of what listens at `address`, for the hub with this public id only; none for a name but localhost. */
export function localMarks({ host, port }: Address, hubId: string): string[] {
	const hosts = isLocalhost(host) ? ["127.0.0.1", "::1"] : isLiteral(host) ? [canonicalHost(host)] : [];
	return hosts.map((one) => mark(one, port, hubId));
}

// --- internal ---

/** 16 bytes, in hexadecimal. */
const MARK_LENGTH = 32;

/** Another hub gets another mark, so that no two can find out that they see the same machine. */
function mark(host: string, port: number, hubId: string): string {
	const hash = new Bun.CryptoHasher("sha256").update(JSON.stringify([machine(), hubId, host, port]));
	return hash.digest("hex").slice(0, MARK_LENGTH);
}

let known: string | undefined;

/**
 * What programs of this machine know, and nobody else: random on Linux and macOS, renewed at each start of the system.
 * On Linux also the network namespace: each container has its own loopback addresses.
 */
function machine(): string {
	known ??= fromSystem() ?? `${hostname()} ${Math.round(Date.now() / 60_000 - uptime() / 60)}`;
	return known;
}

function fromSystem(): string | undefined {
	try {
		if (process.platform === "linux")
			return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${readlinkSync("/proc/self/ns/net")}`;
		if (process.platform === "darwin")
			return Bun.spawnSync(["sysctl", "-n", "kern.bootsessionuuid"]).stdout.toString().trim() || undefined;
	} catch {
		// A sandbox without /proc, or without sysctl.
	}
	return undefined;
}
