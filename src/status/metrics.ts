// /metrics: a snapshot in Prometheus' text format 0.0.4. The table is the interface: names are never changed, units are
// seconds and bytes. A remote chooses its name, so label values are escaped, and no series can appear twice.
import { unhealthy } from "./health.ts";
import type { RemoteSnapshot, Snapshot } from "./snapshot.ts";

export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

interface Metric {
	readonly name: `hivemind_${string}`;
	readonly type: "gauge" | "counter";
	readonly help: string;
	readonly labels: readonly string[];
	/** The samples, each with the values of the labels in their order. None where the snapshot does not say. */
	samples(snapshot: Snapshot): Sample[];
}

type Sample = readonly [value: number, ...labels: string[]];

/** What is served, in this order. docs/observability.md has the same table. */
export const METRICS: readonly Metric[] = [
	{
		name: "hivemind_build_info",
		type: "gauge",
		help: "Always 1; the labels tell the version and whether this is a hub or a peer.",
		labels: ["version", "role"],
		samples: ({ version, role }) => [[1, version, role]],
	},
	{
		name: "hivemind_ready",
		type: "gauge",
		help: "1 if the hub can be joined, or the peer is connected; else 0. The same as /healthz.",
		labels: [],
		samples: (snapshot) => [[unhealthy(snapshot) === undefined ? 1 : 0]],
	},
	{
		name: "hivemind_start_time_seconds",
		type: "gauge",
		help: "When the program was started, in seconds since 1970.",
		labels: [],
		samples: ({ started }) => [[Date.parse(started) / 1000]],
	},
	{
		name: "hivemind_peers",
		type: "gauge",
		help: "Peers that are connected; only at a hub.",
		labels: [],
		samples: (snapshot) => (snapshot.role === "hub" ? [[snapshot.peers.length]] : []),
	},
	{
		name: "hivemind_rtt_seconds",
		type: "gauge",
		help: "Round-trip time to each peer, or to the hub.",
		labels: ["id", "name"],
		samples: (snapshot) =>
			remotes(snapshot).flatMap(({ path, ...remote }) => (path ? [[seconds(path.rttMs), ...labelsOf(remote)]] : [])),
	},
	{
		name: "hivemind_path",
		type: "gauge",
		help: "1 for the kind of path that leads to each peer, or to the hub; 0 for the other kind.",
		labels: ["id", "name", "kind"],
		samples: (snapshot) =>
			remotes(snapshot).flatMap((remote) =>
				(["direct", "relay"] as const).map(
					(kind): Sample => [remote.path?.kind === kind ? 1 : 0, ...labelsOf(remote), kind],
				),
			),
	},
	{
		name: "hivemind_service_up",
		type: "gauge",
		help: "1 if the service is running, 0 if it is down; missing while that is unknown.",
		labels: ["service"],
		samples: ({ services }) =>
			services.flatMap(({ name, state }) => (state === "unknown" ? [] : [[state === "up" ? 1 : 0, name]])),
	},
	{
		name: "hivemind_streams_open",
		type: "gauge",
		help: "Connections to each service that are open.",
		labels: ["service"],
		samples: ({ services }) => services.map(({ name, open }) => [open, name]),
	},
	{
		name: "hivemind_streams_total",
		type: "counter",
		help: "Connections to each service so far, the open ones included.",
		labels: ["service"],
		samples: ({ services }) => services.map(({ name, total }) => [total, name]),
	},
	{
		name: "hivemind_bytes_total",
		type: "counter",
		help: "Bytes to each service (to_service) and from it (from_service), without the overhead of the tunnel.",
		labels: ["service", "direction"],
		samples: ({ services }) =>
			services.flatMap(({ name, toService, fromService }): Sample[] => [
				[toService, name, "to_service"],
				[fromService, name, "from_service"],
			]),
	},
	{
		name: "hivemind_refused_total",
		type: "counter",
		help: "Peers and streams that a hub has turned away, or local connections that have failed at a peer, by reason.",
		labels: ["reason"],
		samples: ({ refused }) => Object.entries(refused).map(([reason, count]) => [count, reason]),
	},
	{
		name: "hivemind_reconnects_total",
		type: "counter",
		help: "How often the hub was found again after a loss; only at a peer.",
		labels: [],
		samples: (snapshot) => (snapshot.role === "peer" ? [[snapshot.reconnects]] : []),
	},
	{
		name: "hivemind_resident_memory_bytes",
		type: "gauge",
		help: "Resident memory of the program.",
		labels: [],
		samples: ({ process }) => [[process.rss]],
	},
	{
		name: "hivemind_event_loop_lag_seconds",
		type: "gauge",
		help: "The longest stall of the event loop in the last 10 s.",
		labels: [],
		samples: ({ process }) => [[seconds(process.loopLagMs)]],
	},
];

/** The whole answer of /metrics. */
export function metricsText(snapshot: Snapshot): string {
	return METRICS.map(({ name, type, help, labels, samples }) => {
		// Prometheus refuses everything if a series comes twice.
		const series = new Map(
			samples(snapshot).map(([value, ...values]) => [`${name}${labelText(labels, values)}`, value]),
		);
		if (series.size === 0) return "";
		const lines = [...series].map(([key, value]) => `${key} ${value}\n`);
		return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
	}).join("");
}

// --- internal ---

/** The other sides of the program's connections. */
function remotes(snapshot: Snapshot): RemoteSnapshot[] {
	return snapshot.role === "hub" ? snapshot.peers : snapshot.hub ? [snapshot.hub] : [];
}

/** To the microsecond, so that it does not read 0.023399999999999997. */
const seconds = (ms: number): number => Math.round(ms * 1000) / 1_000_000;

const labelsOf = ({ id, name = "" }: Pick<RemoteSnapshot, "id" | "name">): [string, string] => [id, name];

function labelText(labels: readonly string[], values: readonly string[]): string {
	if (labels.length === 0) return "";
	return `{${labels.map((label, i) => `${label}="${escaped(values[i] ?? "")}"`).join(",")}}`;
}

/** As the text format wants label values; it allows everything else, the scraper's parser only whole code points. */
const escaped = (value: string): string =>
	value.toWellFormed().replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));
