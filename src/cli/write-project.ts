// What `init` does: finds the services that run on this machine, asks which to take, and writes the project file.
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { HivemindError } from "../base/errors.ts";
import { suggestion } from "../base/nearest.ts";
import { notice, print } from "../base/output.ts";
import { allListeners, ownerName } from "../base/port-owner.ts";
import { PROGRAM } from "../base/version.ts";
import { ASK_TRIES } from "./limits.ts";
import { existsAlready, writeNewFile } from "./new-file.ts";
import { PROJECT_FILE } from "./project-file.ts";
import { projectText } from "./project-template.ts";
import { type Proposal, programOf, proposeServices } from "./proposals.ts";
import { Input } from "./terminal-input.ts";

/** `yes`: takes all without a question. `force`: replaces a file that is there. @throws HivemindError `usage`, `file` */
export async function writeProject({ yes, force }: { yes: boolean; force: boolean }, stop: AbortSignal): Promise<void> {
	if (!force && existsSync(PROJECT_FILE)) throw existsAlready(PROJECT_FILE);
	const input = new Input(stop);
	try {
		if (!yes && !input.canAsk) {
			throw new HivemindError("usage", "'init' asks before it writes, and there is no terminal to ask on.", {
				hint: "Add --yes.",
			});
		}
		const listening = allListeners();
		if (!listening) notice("This system does not tell which ports are in use.");
		const found = proposeServices(listening ?? []);
		const services = yes ? found : await choose(found, input);
		if (!services) return notice("Nothing was written.");
		writeNewFile(PROJECT_FILE, projectText(basename(process.cwd()), services), { replace: force });
		const list = services.map(({ name, target }) => `${name} (${target})`).join(", ");
		print(`Wrote ${PROJECT_FILE}${list && `: ${list}`}.`);
		notice(`${list ? "Next" : "Add your services to it, then run"}: ${PROGRAM} share`);
	} catch (error) {
		if (!stop.aborted || error !== stop.reason) throw error;
	} finally {
		input.close();
	}
}

// --- internal ---

/** Asks which services to take; undefined if nothing is to be written. */
async function choose(found: readonly Proposal[], input: Input): Promise<readonly Proposal[] | undefined> {
	notice(found.length > 0 ? listing(found) : "None of the usual ports of a development stack is in use here.\n");
	const names = found.map(({ name }) => name);
	const question =
		found.length > 0
			? `Write these to ${PROJECT_FILE}? [Y/n, or the names of those to take] `
			: `Write a ${PROJECT_FILE} to fill in? [Y/n] `;
	for (let tries = 0; tries < ASK_TRIES; tries++) {
		const answer = (await input.ask(question))?.toLowerCase();
		if (answer === undefined || /^no?$/.test(answer)) return undefined;
		const words = answer.split(/[\s,]+/).filter((word) => word !== "" && !/^y(es)?$/.test(word));
		if (words.length === 0) return found;
		const unknown = words.find((word) => !names.includes(word));
		if (unknown === undefined) return found.filter(({ name }) => words.includes(name));
		notice([`There is no '${unknown}'.`, suggestion(unknown, names)].filter(Boolean).join(" "));
	}
	return undefined;
}

function listing(found: readonly Proposal[]): string {
	const width = (texts: readonly string[]) => Math.max(...texts.map((text) => text.length));
	const names = width(found.map(({ name }) => name));
	const targets = width(found.map(({ target }) => target));
	const lines = found.map((one) => {
		const program = one.owner.pid === undefined ? programOf(one) : ownerName(one.owner);
		return `  ${one.name.padEnd(names)}  ${one.target.padEnd(targets)}  ${program}`;
	});
	return `Services on this machine:\n\n${lines.join("\n")}\n`;
}
