// The options about the status server, from strings to typed values.
import { type Address, parseAddress } from "../base/address.ts";
import { HivemindError } from "../base/errors.ts";
import { log } from "../base/output.ts";
import { checkStatusAddress } from "../status/access.ts";
import type { StatusServer } from "../status/server.ts";
import type { StatusSource } from "../status/source.ts";
import type { Definitions, Parsed } from "./definition.ts";

/** Where `--status` serves, and `status` asks. */
export const STATUS_ADDRESS = "127.0.0.1:4040";

const ADDRESS_VARIABLE = "HIVEMIND_P2P_STATUS_ADDR";
const TOKEN_VARIABLE = "HIVEMIND_P2P_STATUS_TOKEN";

/** How `share` and `join` show their status. */
export const STATUS = {
	status: { type: "boolean", description: `Show the status on a page at http://${STATUS_ADDRESS}` },
	"status-addr": {
		type: "string",
		valueHint: "ADDR",
		otherwise: "no status server",
		variable: ADDRESS_VARIABLE,
		description: "Serve the status page, JSON, metrics and health checks here; port 0 picks a free one",
	},
	"status-token": {
		type: "string",
		valueHint: "TOKEN",
		otherwise: "none, on loopback only",
		variable: TOKEN_VARIABLE,
		description: "Secret without which the status server shows nothing",
	},
} as const satisfies Definitions;

/** Which status `status` asks for. */
export const STATUS_QUESTION = {
	addr: {
		type: "string",
		valueHint: "ADDR",
		otherwise: STATUS_ADDRESS,
		variable: ADDRESS_VARIABLE,
		description: "Address of the status server",
	},
	token: {
		type: "string",
		valueHint: "TOKEN",
		otherwise: "none",
		variable: TOKEN_VARIABLE,
		description: "Its --status-token",
	},
} as const satisfies Definitions;

export interface StatusAddress {
	address: Address;
	token?: string;
	/** Nobody asked for it on this command line: a container's image has set the variable. */
	byVariable: boolean;
}

/** Where the status is to be served; undefined for nowhere. @throws HivemindError `usage` */
export function readStatus(
	options: Parsed<typeof STATUS>,
	environment: Environment = process.env,
): StatusAddress | undefined {
	const asked = options["status-addr"] ?? (options.status ? STATUS_ADDRESS : undefined);
	const text = asked ?? (environment[ADDRESS_VARIABLE] || undefined);
	if (text === undefined) {
		if (options["status-token"] === undefined) return undefined;
		throw new HivemindError("usage", "--status-token does nothing without --status or --status-addr.");
	}
	const address = parseAddress(text, asked === undefined ? ADDRESS_VARIABLE : "--status-addr");
	const token = options["status-token"] ?? (environment[TOKEN_VARIABLE] || undefined);
	checkStatusAddress(address, token);
	return { address, ...(token !== undefined && { token }), byVariable: asked === undefined };
}

/** What `status` asks. @throws HivemindError `usage` */
export function readQuestion(
	options: Parsed<typeof STATUS_QUESTION>,
	environment: Environment = process.env,
): { address: Address; token?: string } {
	const text = options.addr ?? (environment[ADDRESS_VARIABLE] || STATUS_ADDRESS);
	const address = parseAddress(text, options.addr === undefined ? ADDRESS_VARIABLE : "--addr", false);
	const token = options.token ?? (environment[TOKEN_VARIABLE] || undefined);
	return { address, ...(token !== undefined && { token }) };
}

/**
 * Serves the status as the options ask. A port that is taken is an error only if they were given: two containers may
 * share a network, and must not keep each other from working. @throws HivemindError `listen`
 */
export async function openStatus(
	{ byVariable, ...where }: StatusAddress,
	source: StatusSource,
	onFault: (reason: string) => void,
): Promise<StatusServer | undefined> {
	const { startStatusServer } = await import("../status/server.ts");
	try {
		return startStatusServer({ ...where, source, onFault });
	} catch (error) {
		if (!byVariable || !(error instanceof HivemindError) || error.code !== "listen") throw error;
		log.error(`${error.message} There is no status (${ADDRESS_VARIABLE}).`);
		return undefined;
	}
}

// --- internal ---

type Environment = Readonly<Record<string, string | undefined>>;
