// Waits until native handles have been released: a stream that has ended on the wire is released here only once the
// acknowledgement has arrived.
import { liveHandles } from "../../src/transport/iroh.ts";

/** Resolves when no more than `before` are alive and `also` is true, or after three seconds; the caller then checks. */
export async function handlesSettle(before: number, also = () => true): Promise<void> {
	const deadline = performance.now() + 3000;
	while (performance.now() < deadline && (liveHandles() > before || !also())) await Bun.sleep(5);
}
