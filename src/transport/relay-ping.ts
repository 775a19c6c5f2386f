// Whether a relay answers the request by which iroh itself measures latencies, and the moment at which one answers again
// that was away. By then iroh may wait for half a minute before it tries that relay again (docs/binding-notes.md,
// "Relays"); a new endpoint does not.
import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";
import { Backoff } from "../base/backoff.ts";
import { pause } from "../base/timers.ts";
import { RELAY_LOOK_FIRST_MS, RELAY_LOOK_GROWTH, RELAY_LOOK_MAX_MS, RELAY_PING_MS } from "./limits.ts";

/** False as well once `stop` is aborted. Never rejects. */
export function relayAnswers(relay: string, stop: AbortSignal): Promise<boolean> {
	const { promise, resolve } = Promise.withResolvers<boolean>();
	const url = new URL("/ping", relay);
	// Not with fetch, which would use a proxy from the environment; iroh does not.
	const get = url.protocol === "https:" ? getHttps : getHttp;
	const request = get(url, { agent: false, signal: stop }, (response) => resolve(response.statusCode === 200));
	request.on("error", () => resolve(false));
	// The request's own time-out does not cover connecting: where packets are dropped that took 134 s (measured).
	const timer = setTimeout(() => resolve(false), RELAY_PING_MS);
	return promise.finally(() => {
		clearTimeout(timer);
		// The body of an answer may never end.
		request.destroy();
	});
}

/**
 * Looks at the relay until it answers, or `stop` is aborted. Resolves with true if it was away and is back, else, and
 * without a relay, with false. `relay` is asked each time, since an endpoint may move to another one. Rejects only if
 * `relay` throws.
 */
export async function relayReturned(relay: () => string | null, stop: AbortSignal): Promise<boolean> {
	const backoff = new Backoff({ firstMs: RELAY_LOOK_FIRST_MS, maxMs: RELAY_LOOK_MAX_MS, growth: RELAY_LOOK_GROWTH });
	for (let away = false; !stop.aborted; away = true) {
		const url = relay();
		if (url === null) return false;
		if (await relayAnswers(url, stop)) return away;
		await pause(backoff.next(), stop);
	}
	return false;
}
