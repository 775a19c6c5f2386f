// The text of docs/limits.md, made from the limits.ts of each folder: a bound without a reason is an error.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { table } from "./markdown.ts";

/** The sources that define bounds: path from the root of the repository → text. */
export function limitsSources(): Map<string, string> {
	const root = join(import.meta.dir, "..");
	const paths = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
		.map((path) => `src/${path.replaceAll("\\", "/")}`)
		.filter((path) => path.endsWith("/limits.ts"));
	return new Map(paths.sort().map((path) => [path, readFileSync(join(root, path), "utf8")]));
}

/** The page, in Markdown. @throws Error naming the bound that has no reason, or the line that is not a bound */
export function limitsPage(sources: ReadonlyMap<string, string>): string {
	return `# Limits

<!-- Made by \`bun build/docs.ts\` from the limits.ts files. Change it there. -->

Every bound and every wait in the program, by the folder that uses it, taken from the sources. Whatever a remote can send, request or invent is bounded here. Names that end in \`_MS\` are milliseconds; sizes are bytes. Only those whose reason names an option can be changed.

${[...sources].map(([path, text]) => section(path, text)).join("\n\n")}
`;
}

// --- internal ---

interface Bound {
	name: string;
	value: string;
	reason: string;
}

function section(path: string, text: string): string {
	const rows = bounds(path, text).map(({ name, value, reason }) => [`\`${name}\``, `\`${value}\``, reason]);
	return `## [${path}](../${path})\n\n${table(["bound", "value", "reason"], rows)}`;
}

/** In the order of the source. A bound right below another one, without a comment of its own, shares its reason. */
function bounds(path: string, text: string): Bound[] {
	const found: Bound[] = [];
	let reason = "";
	let shared = false;
	for (const [token, comment, code] of text.matchAll(/\/\*\*([\s\S]*?)\*\/|^export (.*)$|^$/gm)) {
		if (code === undefined) {
			// A blank line ends what a comment applies to.
			reason = token === "" ? "" : prose(comment ?? "");
			shared = false;
			continue;
		}
		const [, name, value] = /^const ([A-Z][A-Z\d_]*) = (.+);$/.exec(code) ?? [];
		if (name === undefined || value === undefined) throw new Error(`${path}: not a bound on one line: ${code}`);
		if (reason === "") throw new Error(`${path}: ${name} has no reason`);
		found.push({ name, value, reason: shared ? "As above." : reason });
		shared = true;
	}
	return found;
}

/** A doc comment as one line of Markdown. */
function prose(comment: string): string {
	return comment
		.replace(/^\s*\*/gm, "")
		.replace(/\s+/g, " ")
		.trim()
		.replace(/\{@link ([^}]+)\}/g, "`$1`");
}
