// `doctor`: what works on this machine, what does not, and what to do about it.
import { NegativeAnswer } from "../base/errors.ts";
import { isUtf8, paint, print } from "../base/output.ts";
import type { Finding } from "../doctor/finding.ts";
import { defineCommand } from "./definition.ts";
import { endpointOptions, NETWORK } from "./endpoint-options.ts";
import { COMMON, MAILBOX } from "./options.ts";

export const doctor = defineCommand({
	description: "Check what works on this machine, and whether a ticket's hub can be reached",
	examples: [
		["hivemind-p2p doctor", "Check this machine, the relay and the mailbox server"],
		["hivemind-p2p doctor endpointab…", "Also find out whether the hub of a ticket can be reached"],
		["hivemind-p2p doctor --no-relay --json", "Check what works offline, for a program"],
	],
	args: {
		hub: { type: "positional", optional: true, description: "A hub's ticket" },
		json: { type: "boolean", description: "Write the result as JSON" },
		...MAILBOX,
		...NETWORK,
		...COMMON,
	},
	async run(options) {
		const endpoint = endpointOptions(options);
		const mailbox = options["wormhole-relay"] ?? (process.env[MAILBOX["wormhole-relay"].variable] || undefined);
		const { diagnose } = await import("../doctor/diagnose.ts");
		const findings: Finding[] = [];
		const tell = (finding: Finding) => {
			findings.push(finding);
			if (!options.json) print(row(finding));
		};
		const works = await diagnose(
			{ endpoint, ...(mailbox && { mailbox }), ...(options.hub && { ticket: options.hub }) },
			tell,
		);
		if (options.json) print(JSON.stringify({ works, findings }, null, 2));
		else print(works ? "\nA tunnel would work." : "\nA tunnel would not work.");
		if (!works) throw new NegativeAnswer();
	},
});

// --- internal ---

const MARKS = {
	ok: { sign: "✓", ascii: "ok", colour: 32 },
	warning: { sign: "!", ascii: "!", colour: 33 },
	failed: { sign: "✗", ascii: "X", colour: 31 },
	skipped: { sign: "-", ascii: "-", colour: 90 },
} as const;

/** One line, and a second one for the hint. */
function row({ check, result, text, hint, ms }: Finding): string {
	const { sign, ascii, colour } = MARKS[result];
	const mark = paint(colour, (isUtf8() ? sign : ascii).padEnd(2));
	const time = ms === undefined ? "" : `  (${ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`})`;
	return `${mark} ${check.padEnd(16)} ${text}${time}${hint === undefined ? "" : `\n${" ".repeat(20)}${hint}`}`;
}
