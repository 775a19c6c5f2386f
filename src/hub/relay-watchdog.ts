// The hub watches itself: an endpoint was seen stuck on a dead home relay for hours (iroh issue 4476), its address
// still with that relay in it. One that its relay has led to, and no longer leads to though a relay answers, is closed
// and bound again with the same identity and ports. Direct connections end with it: so where it never worked, or where
// no relay answers, nothing is done. Called by share.ts.
import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";
import { firstLine } from "../base/errors.ts";
import { log, talk } from "../base/output.ts";
import { pause } from "../base/timers.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { RELAY_CHECK_LOST_MS, RELAY_CHECK_MS, RELAY_LOOK_MS, RELAY_LOST_MS, RELAY_PROBE_MS } from "./limits.ts";

export interface RelayTiming {
	/** Milliseconds without a relay that are too many. */
	lostMs: number;
	/** Milliseconds between two looks, the same while it is lost, and for one look. */
	checkMs: number;
	checkLostMs: number;
	lookMs: number;
}

const TIMING: RelayTiming = {
	lostMs: RELAY_LOST_MS,
	checkMs: RELAY_CHECK_MS,
	checkLostMs: RELAY_CHECK_LOST_MS,
	lookMs: RELAY_LOOK_MS,
};

/**
 * Watches until `stop` is aborted, and resolves when nothing is being bound any more. `onRestart` is called before the
 * connections end. Never rejects.
 */
export async function watchRelay(
	endpoint: Endpoint,
	onRestart: () => void,
	stop: AbortSignal,
	timing = TIMING,
): Promise<void> {
	const urls = await endpoint.relayUrls();
	/** Since it was bound: a relay that lets us in but no stranger, or nobody, cannot be lost. */
	let worked = false;
	let lostAt: number | undefined;
	// Soon, so that a relay that is lost early has worked.
	let wait = timing.checkLostMs;
	while (urls.length > 0) {
		await pause(wait, stop);
		if (stop.aborted) return;
		// Whoever presses Ctrl+C does not wait for a look.
		const looking = look(endpoint, urls, timing.lookMs, stop);
		const late = pause(2 * (timing.lookMs + RELAY_PROBE_MS), stop);
		const { works, up } = (await Promise.race([looking, late])) ?? NOTHING;
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
		talk(`No relay for ${timing.lostMs / 1000} s: starting the network part again. Peers come back by themselves.`);
		onRestart();
		await endpoint.rebind(stop);
		worked = false;
		lostAt = undefined;
		wait = timing.checkLostMs;
	}
}

// --- internal ---

/** Whether the relay leads here, and if not, whether one answers at all. */
interface Finding {
	works: boolean;
	up: boolean;
}

/** What is known after a look that hangs, or fails for a reason of its own. */
const NOTHING: Finding = { works: false, up: false };

/** One look. Never rejects. */
async function look(endpoint: Endpoint, urls: string[], timeoutMs: number, stop: AbortSignal): Promise<Finding> {
	try {
		const works = await endpoint.seenByRelay(timeoutMs, stop);
		return { works, up: works || (await someAnswers(urls)) };
	} catch (error) {
		log.debug(`Cannot look whether the relay leads here: ${firstLine(error)}`);
		return NOTHING;
	}
}

/** Whether the network is up as far as relays are concerned, by the same question that iroh asks them. */
async function someAnswers(urls: string[]): Promise<boolean> {
	return (await Promise.all(urls.map((url) => answers(new URL("/ping", url))))).includes(true);
}

/** Not by fetch, which would ask a proxy of the environment, as iroh does not. */
function answers(url: URL): Promise<boolean> {
	return new Promise((resolve) => {
		const get = url.protocol === "https:" ? getHttps : getHttp;
		const request = get(url, { agent: false, timeout: RELAY_PROBE_MS }, (response) => {
			resolve(response.statusCode === 200);
			// Its body may never end.
			request.destroy();
		});
		request.on("timeout", () => request.destroy(new Error("no answer")));
		request.on("error", () => resolve(false));
	});
}
