// The question for another local port, to a person at a terminal.
import { notice, prompt } from "../base/output.ts";
import { ownerName } from "../base/port-owner.ts";
import type { PortQuestion } from "../peer/port-choices.ts";
import { BAD_PORTS_MAX } from "./limits.ts";
import type { Input } from "./terminal-input.ts";

/** Asks on the terminal until the answer is a port; undefined to take the proposed one. */
export async function askForPort(
	{ service, taken, why, owner, proposed }: PortQuestion,
	input: Input,
): Promise<number | undefined> {
	const who = owner ? ` by ${ownerName(owner)}` : "";
	const busy = owner?.pid === process.pid ? "is taken by another service of this hub" : `is in use here${who}`;
	const problem = `${taken} ${why === "busy" ? busy : "may not be opened by this user"}.`;
	for (let asked = 0; asked < BAD_PORTS_MAX; asked++) {
		const answer = await input.ask(`${problem} Another port for ${service} [${proposed}]: `);
		// After Ctrl+D the cursor is still behind the question.
		if (answer === undefined) prompt("\n");
		if (!answer) return undefined;
		if (/^\d{1,5}$/.test(answer) && Number(answer) <= 65_535) return Number(answer);
		notice("That is not a port number from 0 to 65535.");
	}
	return undefined;
}
