// build/checksums: the SHA-512 of every package that a build fetches, as lockfiles write it ("sha512-" and base64). The
// repository vouches for them, not the registry. `bun build/update-checksums.ts` keeps the file.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { TARGETS } from "./targets.ts";

/** From "name@version" to "sha512-…", or to `MISSING`. */
export type Checksums = ReadonlyMap<string, string>;

/** In the place of a hash: the registry did not have the package when the file was last updated. */
export const MISSING = "missing";

export const CHECKSUMS = join(import.meta.dir, "checksums");

const HEADER = `# The SHA-512 of each package that a build fetches. 'bun build/update-checksums.ts' adds what is missing and removes
# what is not needed any more; a hash that is here is never replaced. Compare a new one from a second network.
`;

export const committedChecksums = (): Checksums => parseChecksums(readFileSync(CHECKSUMS, "utf8"));

/** @throws Error for a line that is not "name@version sha512-…" or "name@version missing" */
export function parseChecksums(text: string): Checksums {
	const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
	return new Map(
		lines.map((line) => {
			const [, id, hash] = /^(\S+@\S+) (missing|sha512-[A-Za-z0-9+/]{86}==)$/.exec(line) ?? [];
			if (!id || !hash) throw new Error(`build/checksums: cannot read '${line}'`);
			return [id, hash];
		}),
	);
}

export const formatChecksums = (checksums: Checksums): string =>
	HEADER + [...checksums].map(([id, hash]) => `${id} ${hash}\n`).join("");

/** The hash of a package, given as "name@version". @throws Error that says how to get it, if there is none */
export function integrityOf(id: string, checksums: Checksums): string {
	const hash = checksums.get(id);
	if (hash !== undefined && hash !== MISSING) return hash;
	const why = hash === MISSING ? ", because the registry did not have it when that was last updated" : "";
	throw new Error(`${id} has no hash in build/checksums${why}: see RELEASING.md, "Updating what is pinned"`);
}

/** The packages that the targets need, as "name@version", sorted. `addons` has the version that the binding wants of each. */
export function neededPackages(bunVersion: string, addons: Readonly<Record<string, string>>): string[] {
	const ids = Object.values(TARGETS).flatMap(({ runtime, addon }) => [
		`${runtime}@${bunVersion}`,
		`${addon}@${addons[addon]}`,
	]);
	return [...new Set(ids)].sort();
}
