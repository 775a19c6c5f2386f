// What `status` prints for a person: one line for the program, one for each service and each peer. Pure. Everything in a
// snapshot may come from a remote, so it is made printable.
import { printable } from "../base/printable.ts";
import type { RemoteSnapshot, ServiceSnapshot, Snapshot } from "../status/snapshot.ts";
import { bytesText, durationText, rttText } from "../status/units.ts";

/** `now` is the time in milliseconds since 1970. */
export function statusText(snapshot: Snapshot, now: number): string {
	const { name, process, role, services, refused } = snapshot;
	const remotes = role === "hub" ? snapshot.peers : snapshot.hub ? [snapshot.hub] : [];
	const away = Object.entries(refused).map(([reason, count]) => `${count} ${printable(reason)}`);
	const blocks = [
		[`${role === "hub" ? "Hub" : "Peer"} '${printable(name)}' ${STATES[snapshot.state]}`],
		columns(services.map((service) => serviceCells(service, now))),
		columns(remotes.map((remote) => remoteCells(remote, now))),
		[
			...(snapshot.role === "hub" && snapshot.joinCommand !== undefined
				? [`Join: ${printable(snapshot.joinCommand, 2000)}`]
				: []),
			...(snapshot.role === "peer" ? [`Reconnects: ${snapshot.reconnects}`] : []),
			...(away.length > 0 ? [`${role === "hub" ? "Turned away" : "Failed"}: ${away.join(", ")}`] : []),
			`Running for ${durationText(process.uptimeMs)}, ${bytesText(process.rss)} of memory, longest stall ${rttText(process.loopLagMs)} (${snapshot.version})`,
		],
	];
	return blocks
		.filter((lines) => lines.length > 0)
		.map((lines) => lines.join("\n"))
		.join("\n\n");
}

// --- internal ---

const STATES: Record<Snapshot["state"], string> = {
	starting: "is starting",
	open: "is open to peers",
	closed: "admits no new peers",
	stopping: "is stopping",
	connecting: "has not reached its hub yet",
	connected: "is connected",
	lost: "has lost its hub and is looking for it",
};

function serviceCells(service: ServiceSnapshot, now: number): string[] {
	const { name, scheme, local, address, state, down, open, total, fromService, toService } = service;
	// A hub need not say where its services are.
	const where = local ?? address;
	const reason = down?.reason === undefined ? "" : ` (${printable(down.reason)})`;
	return [
		printable(name),
		where === undefined ? "" : `${scheme === "tcp" ? "" : `${scheme}://`}${printable(where)}`,
		down ? `DOWN for ${since(down.since, now)}${reason}` : state === "unknown" ? "not tried yet" : state,
		`${open} open, ${total} in all`,
		`${bytesText(fromService)} from it, ${bytesText(toService)} to it`,
	];
}

function remoteCells({ name, id, path, since: joined }: RemoteSnapshot, now: number): string[] {
	return [
		`${name === undefined ? "" : `${printable(name)} `}(${printable(id).slice(0, 10)})`,
		path ? `${path.kind} ${printable(path.address)}` : "path not known yet",
		path ? `RTT ${rttText(path.rttMs)}` : "",
		`for ${since(joined, now)}`,
	];
}

const since = (time: string, now: number): string => durationText(now - Date.parse(time));

/** The cells of each row, below each other. */
function columns(rows: readonly (readonly string[])[]): string[] {
	const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => Bun.stringWidth(row[i] ?? ""))));
	const padded = (text: string, i: number) => text + " ".repeat((widths[i] ?? 0) - Bun.stringWidth(text));
	return rows.map((row) => `  ${row.map(padded).join("   ")}`.trimEnd());
}
