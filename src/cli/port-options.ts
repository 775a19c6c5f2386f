// Which services of the hub `join` brings, and to which local addresses: from strings to typed choices.
import { type Address, canonicalHost, isLocalhost, parseAddress } from "../base/address.ts";
import { HivemindError } from "../base/errors.ts";
import { notice } from "../base/output.ts";
import type { PortChoices } from "../peer/port-choices.ts";
import { NAME_MAX } from "../protocol/limits.ts";
import { ORIGINAL_SERVICES, SERVICE_NAME } from "../protocol/services.ts";
import type { Definitions, Parsed, Text } from "./definition.ts";
import { wholeNumber } from "./numbers.ts";

/** One option per service of the original program, as it has them. */
const ORIGINAL = Object.fromEntries(
	ORIGINAL_SERVICES.map(({ option, name }) => [
		option,
		{
			type: "string",
			valueHint: "ADDR",
			insteadOf: ["bind", name] as const,
			description: `Local address of the ${name}, as --bind ${name}=ADDR`,
		},
	]),
) as {
	[S in (typeof ORIGINAL_SERVICES)[number] as S["option"]]: Text;
};

export const PORTS = {
	bind: {
		type: "string",
		valueHint: "NAME=PORT",
		repeatable: true,
		otherwise: "the hub's port number on localhost",
		description: "Where a service appears: a port of localhost, or host:port; port 0 picks a free one",
	},
	only: {
		type: "string",
		valueHint: "NAMES",
		repeatable: true,
		otherwise: "all services of the hub",
		narrows: "bind",
		description: "The services to bring, with commas between their names",
	},
	strict: {
		type: "boolean",
		description: "Exit when a service's port is in use, or the hub lacks one that was named, instead of going on",
	},
	...ORIGINAL,
} as const satisfies Definitions;

/**
 * What was chosen, except who may be asked. An address for a service that `--only` leaves out is dropped, and said.
 * @throws HivemindError `usage`
 */
export function portChoices(options: Parsed<typeof PORTS>): Omit<PortChoices, "ask"> {
	const names = options.only.flatMap((list) => list.split(",").map((name) => serviceName(name.trim(), "--only")));
	const only = names.length > 0 ? new Set(names) : undefined;
	const isWanted = ({ name }: Bind) => only?.has(name) ?? true;
	const given = [...options.bind.map(readBind), ...ORIGINAL_SERVICES.flatMap((service) => original(service, options))];
	const [binds, surplus] = [given.filter(isWanted), given.filter((bind) => !isWanted(bind))];
	for (const [i, bind] of binds.entries()) {
		for (const other of binds.slice(0, i)) checkPair(other, bind);
	}
	for (const { name, said } of surplus) notice(`${said} has no effect: --only leaves '${name}' out.`);
	return {
		binds: new Map(binds.map(({ name, at }) => [name, at])),
		only,
		strict: options.strict,
	};
}

// --- internal ---

interface Bind {
	name: string;
	at: Address;
	/** What was given, for messages. */
	said: string;
}

function readBind(text: string): Bind {
	const said = `--bind ${text}`;
	const [, given, where] = /^([^=]*)=(.+)$/.exec(text) ?? [];
	if (given === undefined || where === undefined) {
		throw usage(`--bind: '${text}' is not NAME=PORT.`, "Write --bind db=5433, or --bind db=127.0.0.1:5433.");
	}
	const name = serviceName(given, "--bind");
	if (!/^\d+$/.test(where)) return { name, at: parseAddress(where, `--bind ${name}`), said };
	return { name, at: { host: "localhost", port: wholeNumber(where, `--bind ${name}`, 0, 65_535) }, said };
}

function original({ option, name }: (typeof ORIGINAL_SERVICES)[number], options: Parsed<typeof PORTS>): Bind[] {
	const given = options[option];
	if (given === undefined) return [];
	return [{ name, at: parseAddress(given, `--${option}`), said: `--${option} ${given}` }];
}

function serviceName(name: string, option: string): string {
	if (SERVICE_NAME.test(name) && name.length <= NAME_MAX) return name;
	throw usage(
		`${option}: '${name}' is not the name of a service.`,
		"A name has lower-case letters, digits and hyphens, and begins with a letter.",
	);
}

function checkPair(one: Bind, other: Bind): void {
	if (one.name === other.name) throw usage(`${one.said} and ${other.said} are for one service.`, "Give one of them.");
	const hosts = hostsOf(other.at);
	if (other.at.port === 0 || one.at.port !== other.at.port || !hostsOf(one.at).some((host) => hosts.includes(host)))
		return;
	throw usage(`${one.said} and ${other.said} are one address.`, "Give each service its own; port 0 picks a free one.");
}

const hostsOf = ({ host }: Address): string[] =>
	isLocalhost(host) ? ["127.0.0.1", "::1"] : [canonicalHost(host).toLowerCase()];

function usage(message: string, hint: string): HivemindError {
	return new HivemindError("usage", message, { hint });
}
