// The executables that the benchmark compares with ours: one with the binding that takes bytes, an older one that was
// named, and one that does nothing.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../../build/bundle.ts";
import { hostTarget, targetOf } from "../../build/targets.ts";
import { ROOT } from "../support/built.ts";
import { otherAddon } from "../support/other-addon.ts";
import type { Other } from "./ways.ts";

export interface Executables {
	others: Other[];
	/** Its start is the least that any program compiled by Bun takes. */
	empty: string;
	remove(): void;
}

/** `before`: the file of an older executable. Says what is left out. */
export async function makeExecutables(before: string | undefined): Promise<Executables> {
	const directory = mkdtempSync(join(tmpdir(), "bench-programs-"));
	const others: Other[] = [];
	const addon = otherAddon();
	if (addon === undefined)
		console.log("Left out: ours with the binding that takes bytes (TEST_ADDON names a build of it).");
	else {
		const file = join(directory, "iroh.node");
		const bytes = readFileSync(addon);
		writeFileSync(file, addon.endsWith(".gz") ? Bun.gunzipSync(bytes) : bytes);
		const executable = join(directory, "bytes");
		await bundle({ root: ROOT, target: targetOf(hostTarget()), addon: file, runtime: undefined, outfile: executable });
		others.push({ name: "… byte binding", executable });
	}
	if (before !== undefined) others.push({ name: "… before", executable: before });
	const source = join(directory, "empty.ts");
	writeFileSync(source, "export {};\n");
	const empty = join(directory, "empty");
	await Bun.build({ entrypoints: [source], minify: true, throw: true, compile: { outfile: empty } });
	return { others, empty, remove: () => rmSync(directory, { recursive: true }) };
}
