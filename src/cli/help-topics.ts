// What `help` explains besides the commands.
import { EXIT_STATUS } from "../base/errors.ts";
import { SERVICES_MAX } from "../protocol/limits.ts";
import { SCHEMES } from "../protocol/services.ts";

/** Texts by topic. */
export const TOPICS: Readonly<Record<string, () => string>> = {
	services: () => `SERVICES

  'share' takes up to ${SERVICES_MAX} services:

${columns(SERVICE_FORMS)}

  Of those without a name the first is the frontend, the second the backend, and the third the websocket. A name has
  lower-case letters, digits and hyphens, and begins with a letter.

  The last argument may be a name for the hub, as may --name. Otherwise the hub is called like its machine.`,

	"exit-statuses": () => `EXIT STATUS

${columns(Object.values(EXIT_STATUS).map(({ status, meaning }) => [String(status).padStart(2), meaning] as const))}

  129, 130 and 143 follow a second signal: SIGHUP, SIGINT and SIGTERM.`,
};

/** How a service may be written. */
export const SERVICE_FORMS = [
	["3000", "port 3000 of this machine"],
	["db.local:5432", "a port of another machine, by name or address; IPv6 in brackets, [::1]:5432"],
	["https://localhost:8443", `with a scheme (${SCHEMES.join(", ")}), which only decides how the address is shown`],
	["db=5432", "with a name of your choice, before any of these"],
] as const;

// --- internal ---

function columns(rows: readonly (readonly [string, string])[]): string {
	const width = Math.max(...rows.map(([left]) => left.length));
	return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}
