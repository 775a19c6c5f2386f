// The text of a new project file, with comments that say what else can be in it. Pure.
import { printable } from "../base/printable.ts";
import { PROGRAM } from "../base/version.ts";
import { NAME_MAX } from "../protocol/limits.ts";
import { type Proposal, programOf } from "./proposals.ts";

/** The file for a project in a folder of this name; without services, with an example that is commented out. */
export function projectText(folder: string, services: readonly Proposal[]): string {
	const name = folder.slice(0, NAME_MAX).replace(/\p{C}/gu, "").trim();
	const rows = services.map((one) => [`${one.name} = ${targetText(one)}`, printable(programOf(one))] as const);
	const width = Math.max(0, ...rows.map(([setting]) => setting.length));
	const lines = rows.map(([setting, program]) => `${setting.padEnd(width)}  # ${program}`);
	return `# Settings of '${PROGRAM} share' and '${PROGRAM} join' in this folder. The command line and the environment
# take precedence. Tickets and join codes do not belong here.

${name === "" ? '# name = "my-project"' : `name = ${JSON.stringify(name)}`}

# A port of this machine, or "host:port". A scheme, as in "https://localhost:8443", only changes what is shown.
[services]
${(lines.length > 0 ? lines : ["# web = 3000", '# db = "db.local:5432"']).join("\n")}

# Any long option of 'share', without its dashes.
[share]
# wormhole = true               # show join codes
# identity = ".hivemind.key"    # keep the ticket across restarts; a secret: do not commit it

# Any long option of 'join'.
[join]
# bind = { ${services[0]?.name ?? "web"} = 3100 }         # another local port than the hub's
`;
}

// --- internal ---

const targetText = ({ target }: Proposal) => (/^\d+$/.test(target) ? target : JSON.stringify(target));
