// What one check of `doctor` has found out.

export interface Finding {
	/** What was checked, in a word or two. */
	check: string;
	/** `warning`: a tunnel works, but not for everybody or not in every way. `skipped`: not asked for, or not known here. */
	result: "ok" | "warning" | "failed" | "skipped";
	/** What was found. */
	text: string;
	/** What to do, or what it means. */
	hint?: string;
	/** How long it took, in milliseconds, where that matters. */
	ms?: number;
}

/** Runs a check, and says how long it took unless it was skipped. */
export async function timed(work: () => Promise<Finding>): Promise<Finding> {
	const begun = performance.now();
	const finding = await work();
	return finding.result === "skipped" ? finding : { ...finding, ms: Math.round(performance.now() - begun) };
}
