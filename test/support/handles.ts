// Waits until native handles are released: what ends on the wire ends here only once an acknowledgement has arrived.
import { liveHandles } from "../../src/transport/iroh.ts";

/** Resolves when no more than `before` are pinned and `also` is true, or after three seconds. */
export async function handlesSettle(before: number, also = () => true): Promise<void> {
	const deadline = performance.now() + 3000;
	while (performance.now() < deadline && (liveHandles() > before || !also())) await Bun.sleep(5);
}
