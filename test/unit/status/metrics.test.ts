// The text format of /metrics, read back by a strict parser of its own, and the table on docs/observability.md.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { METRICS, metricsText } from "../../../src/status/metrics.ts";
import { HUB_ID, hubSnapshot, PEER_ID, peerSnapshot, service } from "../../support/status-source.ts";

interface Family {
	help: string;
	type: string;
	/** By its labels, as they are written. */
	samples: Map<string, number>;
}

/** Prometheus' text format 0.0.4: throws for what a scraper would refuse. */
function parse(text: string): Map<string, Family> {
	const families = new Map<string, Family>();
	expect(text).toEndWith("\n");
	for (const line of text.slice(0, -1).split("\n")) {
		const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line) ?? [];
		if (kind === "HELP") {
			if (families.has(name)) throw new Error(`${name} comes twice`);
			families.set(name, { help: rest, type: "", samples: new Map() });
		} else if (kind === "TYPE") (families.get(name) as Family).type = rest;
		else {
			const [, sample = "", labels = "", value = ""] =
				/^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+\})? (-?[\d.]+(?:e[+-]?\d+)?)$/.exec(line) ?? [];
			const family = families.get(sample);
			if (!family || family !== [...families.values()].at(-1)) throw new Error(`out of place: ${line}`);
			if (family.samples.has(labels)) throw new Error(`twice: ${line}`);
			family.samples.set(labels, Number(value));
		}
	}
	return families;
}

const samples = (families: Map<string, Family>, name: string) => Object.fromEntries(families.get(name)?.samples ?? []);

test("a hub's metrics", () => {
	const families = parse(
		metricsText(hubSnapshot({ refused: { secret: 3, full: 1 }, started: "2026-01-01T00:00:00Z" })),
	);
	const alice = `id="${PEER_ID}",name="alice"`;
	const bob = `id="${"07de".repeat(16)}",name="bob"`;
	expect(samples(families, "hivemind_build_info")).toEqual({ '{version="1.1.0",role="hub"}': 1 });
	expect(samples(families, "hivemind_ready")).toEqual({ "": 1 });
	expect(samples(families, "hivemind_start_time_seconds")).toEqual({ "": 1_767_225_600 });
	expect(samples(families, "hivemind_peers")).toEqual({ "": 2 });
	expect(samples(families, "hivemind_rtt_seconds")).toEqual({ [`{${alice}}`]: 0.0234, [`{${bob}}`]: 0.081 });
	expect(samples(families, "hivemind_path")).toEqual({
		[`{${alice},kind="direct"}`]: 1,
		[`{${alice},kind="relay"}`]: 0,
		[`{${bob},kind="direct"}`]: 0,
		[`{${bob},kind="relay"}`]: 1,
	});
	expect(samples(families, "hivemind_service_up")).toEqual({ '{service="frontend"}': 1, '{service="backend"}': 0 });
	expect(samples(families, "hivemind_streams_open")).toMatchObject({ '{service="frontend"}': 3 });
	expect(samples(families, "hivemind_streams_total")).toMatchObject({ '{service="frontend"}': 128 });
	expect(samples(families, "hivemind_bytes_total")).toMatchObject({
		'{service="frontend",direction="to_service"}': 1_200_000,
		'{service="frontend",direction="from_service"}': 48_000_000,
	});
	expect(samples(families, "hivemind_refused_total")).toEqual({ '{reason="secret"}': 3, '{reason="full"}': 1 });
	expect(samples(families, "hivemind_resident_memory_bytes")).toEqual({ "": 84_300_000 });
	expect(samples(families, "hivemind_event_loop_lag_seconds")).toEqual({ "": 0.0032 });
	expect(families.has("hivemind_reconnects_total")).toBe(false);
});

test("a peer's metrics, connected and not yet", () => {
	const families = parse(metricsText(peerSnapshot()));
	expect(samples(families, "hivemind_reconnects_total")).toEqual({ "": 1 });
	expect(samples(families, "hivemind_rtt_seconds")).toEqual({ [`{id="${HUB_ID}",name="my-hub"}`]: 0.0182 });
	expect(families.has("hivemind_peers")).toBe(false);
	const { hub: _, ...alone } = peerSnapshot({ state: "connecting" });
	const early = parse(metricsText(alone));
	expect(samples(early, "hivemind_ready")).toEqual({ "": 0 });
	expect(early.has("hivemind_path")).toBe(false);
});

test("a name cannot break the format, and a series never comes twice", () => {
	const name = 'a"b\\c\nd\r}\u2028é\ud800';
	const hub = peerSnapshot().hub as NonNullable<ReturnType<typeof peerSnapshot>["hub"]>;
	const peers = [
		{ ...hub, name },
		{ ...hub, name },
	];
	const families = parse(metricsText(hubSnapshot({ peers, services: [service("web"), service("web")] })));
	expect(samples(families, "hivemind_rtt_seconds")).toEqual({
		[`{id="${HUB_ID}",name="a\\"b\\\\c\\nd\r}\u2028é\ufffd"}`]: 0.0182,
	});
	expect(families.get("hivemind_streams_open")?.samples.size).toBe(1);
});

test("names and units are as Prometheus recommends: one prefix, base units, _total for counters", () => {
	for (const { name, type, help, labels } of METRICS) {
		expect(name).toMatch(/^hivemind_[a-z_]+$/);
		expect(name.endsWith("_total"), name).toBe(type === "counter");
		expect(name).not.toMatch(/_(ms|milliseconds|kb|mb|minutes)(_|$)/);
		expect(help).toMatch(/^[^\n\\]+\.$/);
		for (const label of labels) expect(label).toMatch(/^[a-z_]+$/);
	}
	expect(new Set(METRICS.map(({ name }) => name)).size).toBe(METRICS.length);
});

test("docs/observability.md has the same table", () => {
	const page = readFileSync(join(import.meta.dir, "../../../docs/observability.md"), "utf8");
	const rows = [...page.matchAll(/^\| `(hivemind_\w+)` +\| (\w+) +\| (.*?) +\| (.*?) +\|$/gm)].map((row) =>
		row.slice(1),
	);
	const table = METRICS.map(({ name, type, labels, help }) => [
		name,
		type,
		labels.map((label) => `\`${label}\``).join(", "),
		help,
	]);
	expect(rows).toEqual(table);
});
