// Binds the hub's endpoint again when it is stuck: one was seen on a dead home relay for hours, with that relay still
// in its address (iroh issue 4476; docs/binding-notes.md, "Relays"). That ends direct connections, too, so nothing is
// done for a relay that never led to this hub, nor while no relay answers at all.
import { firstLine } from "../base/errors.ts";
import { pause } from "../base/timers.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { RELAY_PING_MS } from "../transport/limits.ts";
import { relayAnswers } from "../transport/relay-ping.ts";
import { RELAY_CHECK_LOST_MS, RELAY_CHECK_MS, RELAY_LOST_MS, RELAY_PROBE_MS } from "./limits.ts";
import type { RelayProbe } from "./relay-probe.ts";

export type RelayEvent =
	/**
	 * For this long no relay has led here, though one answers: the endpoint is bound again now, which ends its
	 * connections.
	 */
	| { type: "relay_lost"; afterMs: number }
	/** The relay was away and is back, but does not lead here: the same. */
	| { type: "relay_returned" }
	/** A check failed for a reason of its own, which says nothing about the relay. */
	| { type: "relay_probe_failed"; reason: string };

export interface RelayWatch {
	/** The hub's endpoint. */
	endpoint: Endpoint;
	probe: RelayProbe;
	onEvent(event: RelayEvent): void;
	/** The bounds of limits.ts when not given. */
	timing?: RelayTiming;
}

export interface RelayTiming {
	/** Milliseconds without a relay before the endpoint is bound again. */
	lostMs: number;
	/** Milliseconds between two checks, the same while the relay is lost, and the bound of one probe. */
	checkMs: number;
	checkLostMs: number;
	probeMs: number;
}

const TIMING: RelayTiming = {
	lostMs: RELAY_LOST_MS,
	checkMs: RELAY_CHECK_MS,
	checkLostMs: RELAY_CHECK_LOST_MS,
	probeMs: RELAY_PROBE_MS,
};

/** Watches until `stop` is aborted; resolves once nothing is being bound any more. Never rejects. */
export async function watchRelay(watch: RelayWatch, stop: AbortSignal): Promise<void> {
	const { endpoint, onEvent, timing = TIMING } = watch;
	const urls = await endpoint.relayUrls();
	/** Since the endpoint was bound. A relay that lets nobody in, or us but no strangers, cannot be lost. */
	let worked = false;
	let lostAt: number | undefined;
	// The first check comes soon, so that a relay that is lost early is known to have worked.
	let wait = timing.checkLostMs;
	while (urls.length > 0) {
		await pause(wait, stop);
		if (stop.aborted) return;
		// Ctrl+C must not wait for a check.
		const late = pause(2 * (timing.probeMs + RELAY_PING_MS), stop);
		const { works, up } = (await Promise.race([check(watch, urls, timing.probeMs, stop), late])) ?? NOTHING;
		if (stop.aborted) return;
		worked ||= works;
		if (works || !worked || !up) {
			lostAt = undefined;
			wait = timing.checkMs;
			continue;
		}
		lostAt ??= performance.now();
		wait = timing.checkLostMs;
		if (performance.now() - lostAt < timing.lostMs || stop.aborted) continue;
		onEvent({ type: "relay_lost", afterMs: timing.lostMs });
		await endpoint.rebind(stop);
		worked = false;
		lostAt = undefined;
		wait = timing.checkLostMs;
	}
}

// --- internal ---

/** Whether the relay leads here, and if not, whether any relay answers. */
interface Finding {
	works: boolean;
	up: boolean;
}

/** All that is known after a check that hangs, or that fails for a reason of its own. */
const NOTHING: Finding = { works: false, up: false };

/** One check. Never rejects. */
async function check(
	{ probe, onEvent }: RelayWatch,
	urls: string[],
	timeoutMs: number,
	stop: AbortSignal,
): Promise<Finding> {
	try {
		const works = await probe.reaches(timeoutMs, stop);
		return { works, up: works || (await Promise.all(urls.map((url) => relayAnswers(url, stop)))).includes(true) };
	} catch (error) {
		onEvent({ type: "relay_probe_failed", reason: firstLine(error) });
		return NOTHING;
	}
}
