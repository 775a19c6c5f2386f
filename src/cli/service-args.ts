// The arguments of `share`: services, and the hub's name. What could be read in two ways is an error that says how to
// write it, except a command line of the original program, which means what it has always meant. Pure.
import { HivemindError } from "../base/errors.ts";
import { WELL_KNOWN_PORTS } from "../base/well-known-ports.ts";
import { readPasted } from "../invite/pasted.ts";
import { SERVICES_MAX } from "../protocol/limits.ts";
import {
	ORIGINAL_SERVICES,
	originalService,
	SERVICE_NAME,
	type SharedService,
	withPortIds,
} from "../protocol/services.ts";
import { readNamedService, readService } from "./named-service.ts";
import { isTarget } from "./service-target.ts";

export interface ServiceArgs {
	readonly services: readonly SharedService[];
	/** The hub's. */
	readonly name: string | undefined;
}

/**
 * Reads services (`3000`, `host:3000`, `http://host:3000`, each alone or behind `name=`) and at most one bare word, the
 * last one: the hub's name. @throws HivemindError `usage`
 */
export function readServiceArgs(words: readonly string[]): ServiceArgs {
	const last = words.at(-1);
	const name = last !== undefined && (isOriginal(words) || isBare(last)) ? last : undefined;
	if (name !== undefined && !isOriginal(words)) checkHubName(name);
	const rest = name === undefined ? words : words.slice(0, -1);
	if (rest.length > SERVICES_MAX) {
		throw usage(`A hub shares at most ${SERVICES_MAX} services, not ${rest.length}.`, "Start a second hub.");
	}
	let unnamed = 0;
	const services = rest.map((word, i) => {
		if (isBare(word)) throw misplaced(word, words[i + 1] ?? "");
		const [, key, target = ""] = NAMED.exec(word) ?? [];
		return key === undefined ? readService(defaultName(word, unnamed++), word) : readNamedService(key, target);
	});
	checkUnique(services, unnamed);
	return { services: withPortIds(services), name };
}

// --- internal ---

/** A name and a target. The equals sign of a URL's query is no such sign. */
const NAMED = /^((?:(?!:\/\/)[^=])*)=(.*)$/s;

/** `host:port host:port host:port NAME`, where the name may be anything, but is not to swallow a service. */
function isOriginal(words: readonly string[]): boolean {
	const [last = "", ...addresses] = words.toReversed();
	const [, key = "", target = ""] = NAMED.exec(last) ?? [];
	return addresses.length === 3 && addresses.every(isAddress) && !(SERVICE_NAME.test(key) && isTarget(target));
}

/** As the original program wants it. */
const isAddress = (word: string): boolean => isTarget(word) && !/^\d+$|:\/\//.test(word);

/** Whether a word cannot be meant as a service: it has nothing of an address, and not only digits. */
const isBare = (word: string): boolean => word === "" || !/[=:]|^[\d,;+/-]+$|^\d+\//.test(word);

/** What is shown for `join` is not to become the name that everybody sees. */
function checkHubName(name: string): void {
	const { text } = readPasted(name);
	const what = /^endpoint[a-z2-7]{20}/i.test(text)
		? "ticket"
		: /^\d+-\p{L}+(-\p{L}+)+$/u.test(text)
			? "join code"
			: undefined;
	if (what === undefined) return;
	throw usage(
		`The last argument of 'share' looks like a ${what}, and that is for 'join'.`,
		"If it is the hub's name, write --name NAME.",
	);
}

function defaultName(word: string, index: number): string {
	const name = ORIGINAL_SERVICES[index]?.name;
	if (name !== undefined) return name;
	const port = Number(/\d+$/.exec(word)?.[0]);
	throw usage(
		`'${word}' is one service too many without a name: only the frontend, the backend and the websocket need none.`,
		`Write ${WELL_KNOWN_PORTS.get(port)?.program ?? "admin"}=${word}, or --name ${word} if that is the hub's name.`,
	);
}

function misplaced(word: string, next: string): HivemindError {
	const pair = SERVICE_NAME.test(word) && isTarget(next) ? `${word}=${next}` : "web=3000";
	const hint = isBare(next)
		? `Put a name of several words in quotes: "${word} ${next}".`
		: `Write a service as ${pair}.`;
	return usage(`'${word}' is not a service, and only the last argument can be the hub's name.`, hint);
}

function checkUnique(services: readonly { name: string }[], unnamed: number): void {
	const names = services.map(({ name }) => name);
	const twice = names.find((name, i) => names.indexOf(name) !== i);
	if (twice === undefined) return;
	const order = "Services without a name are the frontend, the backend and the websocket, in this order. ";
	const hint =
		unnamed > 0 && originalService(twice) ? `${order}Name one, for example web=3000.` : "Rename one of them.";
	throw usage(`Two services are called '${twice}'.`, hint);
}

function usage(message: string, hint: string): HivemindError {
	return new HivemindError("usage", message, { hint });
}
