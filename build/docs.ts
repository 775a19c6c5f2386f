// Writes the pages of docs/ that are made from the sources: `bun build/docs.ts`. A test compares them.
import { join } from "node:path";
import { cliPage } from "./cli-page.ts";
import { limitsPage, limitsSources } from "./limits-page.ts";

/** Each page with what makes its text. */
export const PAGES: Readonly<Record<string, () => string>> = {
	"docs/cli.md": cliPage,
	"docs/limits.md": () => limitsPage(limitsSources()),
};

if (import.meta.main) {
	for (const [path, text] of Object.entries(PAGES)) await Bun.write(join(import.meta.dir, "..", path), text());
}
