// The hub watches itself: an endpoint was seen stuck on a dead home relay for hours (iroh issue 4476), its address
// still with that relay in it. One that its relay has not led to for long, while a relay of its answers, is closed and bound
// again with the same identity and ports. Where none answers nothing would be gained, and direct
// connections lost. Called by share.ts.
import type { Endpoint } from "./endpoint.ts";
import { firstLine } from "./errors.ts";
import { RELAY_CHECK_MS, RELAY_LOOK_MS, RELAY_LOST_MS, RELAY_PROBE_MS } from "./limits.ts";
import { log, talk } from "./output.ts";
import { aborted } from "./waits.ts";

export interface RelayTiming {
	/** Milliseconds without a relay that are too many. */
	lostMs: number;
	/** Milliseconds between two looks, and for one. */
	checkMs: number;
	lookMs: number;
}

const TIMING: RelayTiming = { lostMs: RELAY_LOST_MS, checkMs: RELAY_CHECK_MS, lookMs: RELAY_LOOK_MS };

/** Watches until `stop` is aborted, and resolves when nothing is being bound any more. Never rejects. */
export async function watchRelay(endpoint: Endpoint, stop: AbortSignal, timing = TIMING): Promise<void> {
	const stopped = aborted(stop);
	const pause = (ms: number) => Promise.race([Bun.sleep(ms), stopped]);
	const urls = await endpoint.relayUrls();
	let lostAt: number | undefined;
	while (urls.length > 0) {
		await pause(timing.checkMs);
		if (stop.aborted) return;
		if ((await seen(endpoint, timing.lookMs)) || !(await someAnswers(urls))) {
			lostAt = undefined;
			continue;
		}
		lostAt ??= performance.now();
		if (performance.now() - lostAt < timing.lostMs || stop.aborted) continue;
		talk(`No relay for ${timing.lostMs / 1000} s: starting the network part again. Peers come back by themselves.`);
		await endpoint.rebind(stop);
		lostAt = undefined;
	}
}

// --- internal ---

/** A look that fails for a reason of its own says nothing. */
async function seen(endpoint: Endpoint, timeoutMs: number): Promise<boolean> {
	try {
		return await endpoint.seenByRelay(timeoutMs);
	} catch (error) {
		log.debug(`Cannot look whether the relay leads here: ${firstLine(error)}`);
		return true;
	}
}

/** Whether the network is up as far as relays are concerned, by the same question that iroh asks them. */
async function someAnswers(urls: string[]): Promise<boolean> {
	const asked = urls.map(async (url) => {
		const { ok } = await fetch(new URL("/ping", url), { signal: AbortSignal.timeout(RELAY_PROBE_MS) });
		if (!ok) throw new Error("of no use");
	});
	return Promise.any(asked).then(
		() => true,
		() => false,
	);
}
