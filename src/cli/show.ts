// Shows a running hub or peer besides the lines that are printed for each event: as a panel, or as JSON.
import { canShowPanel, isUtf8, paint, printEvent, showPanel } from "../base/output.ts";
import { STATS_EVERY_MS } from "../status/limits.ts";
import { Panel } from "../status/panel.ts";
import type { TimedEvent } from "../status/program-events.ts";
import type { StatusSource } from "../status/source.ts";

/** Begins with the first `ready`, and ends with `stopping`, or when what it returns is called; idempotent. */
export function show(source: StatusSource, { plain }: { plain: boolean }): () => void {
	let hide: (() => void) | undefined;
	const panel = new Panel({ utf8: isUtf8(), paint });
	const onEvent = (event: TimedEvent) => {
		printEvent(event);
		if (event.event === "ready" && !plain && canShowPanel())
			hide ??= showPanel((columns) => panel.lines(source.snapshot(), columns, Date.now()));
		if (event.event === "stopping") hide?.();
	};
	const unsubscribe = source.subscribe(onEvent);
	const timer = setInterval(() => source.tellStats(), STATS_EVERY_MS);
	return () => {
		hide?.();
		clearInterval(timer);
		unsubscribe();
	};
}
