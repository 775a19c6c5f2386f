// Checks of this machine alone, which send nothing: descriptors, and who sits on the usual ports.
import { formatAddress } from "../base/address.ts";
import { listenersOn, ownerName, type PortOwner } from "../base/port-owner.ts";
import { measureDescriptors } from "../forward/descriptors.ts";
import { ORIGINAL_SERVICES } from "../protocol/services.ts";
import type { Finding } from "./finding.ts";
import { DESCRIPTORS_FEW } from "./limits.ts";

export function descriptors(): Finding {
	const check = "descriptors";
	const use = measureDescriptors();
	if (!use) return { check, result: "skipped", text: "this system does not tell" };
	const text = `${use.open.toLocaleString("en")} in use, ${use.limit.toLocaleString("en")} allowed`;
	if (use.limit - use.open >= DESCRIPTORS_FEW) return { check, result: "ok", text };
	return {
		check,
		result: "warning",
		text,
		hint: "Each connection needs one on each machine. Raise the limit: ulimit -n.",
	};
}

/** Who listens on the ports that `join` uses where a hub does not say otherwise. */
export function ports(): Finding {
	const check = "local ports";
	const taken: string[] = [];
	for (const { defaultAddress } of ORIGINAL_SERVICES) {
		const port = Number(defaultAddress.split(":")[1]);
		const owners = listenersOn(port);
		if (!owners) return { check, result: "skipped", text: "this system does not tell who listens" };
		if (owners.length > 0) taken.push(ownersText(port, owners));
	}
	if (taken.length === 0) return { check, result: "ok", text: "3000, 8000 and 4000 are free" };
	const hint =
		"A service that 'share' offers may well be there. 'join' takes the next free port, or the one that --bind names.";
	return { check, result: "ok", text: taken.join("; "), hint };
}

// --- internal ---

/** "3000: node (pid 4711) on 127.0.0.1 only". */
function ownersText(port: number, owners: readonly PortOwner[]): string {
	const names = new Set(owners.map(ownerName));
	const hosts = new Set(owners.map(({ address }) => address.host));
	const everywhere = hosts.has("::") || hosts.has("0.0.0.0");
	const both = everywhere || (hosts.has("127.0.0.1") && hosts.has("::1"));
	const at = owners.map(({ address }) => formatAddress(address).replace(/:\d+$/, "")).join(" and ");
	return `${port}: ${[...names].join(", ")} on ${at}${both ? "" : " only"}`;
}
