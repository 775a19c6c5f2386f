// Another build of the binding for the tests: one that takes and returns Uint8Array, which the registry does not have
// yet. It is named by TEST_ADDON, or lies beside the repository, compressed or not.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { hostTarget, targetOf } from "../../build/targets.ts";
import { ROOT } from "./built.ts";

/** The environment of a process that uses this file as its binding: the loader of the package reads it, ours does not. */
export const withAddon = (file: string) => ({ ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: resolve(file) });

/** Where the other build is; undefined where there is none. */
export function otherAddon(): string | undefined {
	const [, platform = ""] = targetOf(hostTarget()).addon.split("/iroh-");
	const beside = join(ROOT, `../shared/addon/iroh.${platform}.uint8array.node.gz`);
	return [process.env.TEST_ADDON ?? beside].find(existsSync);
}

/** Calls `use` with the file, unpacked if it is compressed. */
export function unpacked<T>(file: string, use: (addon: string) => T): T {
	if (!file.endsWith(".gz")) return use(file);
	const directory = mkdtempSync(join(tmpdir(), "hivemind-addon-"));
	try {
		const addon = join(directory, basename(file, ".gz"));
		writeFileSync(addon, Bun.gunzipSync(readFileSync(file)));
		return use(addon);
	} finally {
		rmSync(directory, { recursive: true });
	}
}
