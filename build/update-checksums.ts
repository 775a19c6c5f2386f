// Brings build/checksums up to date with the targets: `bun build/update-checksums.ts`. Asks the npm registry for each
// package that has no hash yet. A hash that is there stays as it is, so a registry cannot change what was once recorded.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { CHECKSUMS, type Checksums, formatChecksums, MISSING, neededPackages, parseChecksums } from "./checksums.ts";
import { addonVersions, registryIntegrity } from "./packages.ts";

/**
 * The hashes of the packages that are needed, and nothing else. `ask` returns what the registry has. Also returns what
 * was added and what the registry lacks, for a person to read. @throws Error if the registry cannot be reached
 */
export async function updateChecksums(
	old: Checksums,
	needed: readonly string[],
	ask: (name: string, version: string) => Promise<string | undefined>,
): Promise<{ checksums: Checksums; added: string[]; missing: string[] }> {
	const checksums = new Map<string, string>();
	const added: string[] = [];
	for (const id of needed) {
		const known = old.get(id);
		if (known !== undefined && known !== MISSING) {
			checksums.set(id, known);
			continue;
		}
		const at = id.lastIndexOf("@");
		const found = await ask(id.slice(0, at), id.slice(at + 1));
		checksums.set(id, found ?? MISSING);
		if (found) added.push(id);
	}
	return { checksums, added, missing: needed.filter((id) => checksums.get(id) === MISSING) };
}

async function main(): Promise<void> {
	const old = existsSync(CHECKSUMS) ? parseChecksums(readFileSync(CHECKSUMS, "utf8")) : new Map<string, string>();
	const needed = neededPackages(Bun.version, addonVersions());
	const { checksums, added, missing } = await updateChecksums(old, needed, registryIntegrity);
	writeFileSync(CHECKSUMS, formatChecksums(checksums));
	for (const id of added) console.log(`added ${id} ${checksums.get(id)}`);
	for (const id of missing) console.log(`the registry does not have ${id}: its target cannot be built`);
}

if (import.meta.main) {
	await main().catch((error: Error) => {
		console.error(`update-checksums.ts: ${error.message}`);
		process.exitCode = 1;
	});
}
