// Shows a running hub or peer besides the lines that are printed for each event: as a panel, as events for programs, and
// by the status server.
import { unexpected } from "../base/errors.ts";
import { canShowPanel, isUtf8, log, notice, paint, printEvent, showPanel } from "../base/output.ts";
import { RateLimiter } from "../base/rate-limiter.ts";
import { STATS_EVERY_MS } from "../status/limits.ts";
import { Panel } from "../status/panel.ts";
import { ProcessStats } from "../status/process-stats.ts";
import type { TimedEvent } from "../status/program-events.ts";
import type { ProcessSnapshot } from "../status/snapshot.ts";
import type { StatusSource } from "../status/source.ts";
import { REPORT_EVERY_MS } from "../transport/limits.ts";
import type { Parsed } from "./definition.ts";
import type { SHOW } from "./show-options.ts";
import { openStatus, readStatus, type STATUS } from "./status-options.ts";

export interface Shown<S> {
	readonly source: S;
	/** Nothing is shown any more. Idempotent. */
	close(): Promise<void>;
}

/**
 * Makes the source and shows it: the panel from the first `ready` to `stopping`, all else at once.
 * @throws HivemindError `usage`, `listen` for the status server
 */
export async function show<S extends StatusSource>(
	options: Parsed<typeof SHOW & typeof STATUS>,
	make: (process: () => ProcessSnapshot) => S,
): Promise<Shown<S>> {
	const where = readStatus(options);
	const stats = new ProcessStats();
	const source = make(() => stats.snapshot());
	const rate = new RateLimiter({ burst: 1, everyMs: REPORT_EVERY_MS });
	const onFault = (reason: string) => void (rate.take() && log.error(unexpected(reason, "the status server")));
	const server = where && (await openStatus(where, source, onFault));
	if (server && !where.byVariable) notice(`Status: ${server.link}`);
	const panel = new Panel({ utf8: isUtf8(), paint });
	let hide: (() => void) | undefined;
	const unsubscribe = source.subscribe((event: TimedEvent) => {
		printEvent(event);
		if (event.event === "ready" && !options.plain && canShowPanel())
			hide ??= showPanel((columns) => panel.lines(source.snapshot(), columns, Date.now()));
		if (event.event === "stopping") hide?.();
	});
	const timer = setInterval(() => source.tellStats(), STATS_EVERY_MS);
	return {
		source,
		async close() {
			hide?.();
			clearInterval(timer);
			unsubscribe();
			stats.close();
			await server?.stop();
		},
	};
}
