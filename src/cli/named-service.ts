// One service of `share`: a name and where it runs, from the command line or the project file. Pure.
import { HivemindError } from "../base/errors.ts";
import { WELL_KNOWN_PORTS } from "../base/well-known-ports.ts";
import { NAME_MAX } from "../protocol/limits.ts";
import { originalService, SERVICE_NAME, type SharedService, serviceNoun } from "../protocol/services.ts";
import { checkNoBareScheme, isTarget, readTarget } from "./service-target.ts";

/** The service of `name=target`: see {@link readTarget}. @throws HivemindError `usage` */
export function readNamedService(name: string, target: string): Omit<SharedService, "portId"> {
	checkServiceName(name, target);
	if (target === "")
		throw usage(`The service '${name}' has no port.`, `Write ${name}=3000, without a space at the equals sign.`);
	checkNoBareScheme(target, `The ${serviceNoun(name)}`);
	return readService(name, target);
}

/** A service with this name at `target`: see {@link readTarget}. @throws HivemindError `usage` */
export function readService(name: string, target: string): Omit<SharedService, "portId"> {
	const { scheme, address } = readTarget(target, `The ${serviceNoun(name)}`);
	const usual = (WELL_KNOWN_PORTS.get(address.port)?.http ?? true) ? "http" : "tcp";
	return { name, scheme: scheme ?? originalService(name)?.scheme ?? usual, address };
}

// --- internal ---

/** Refuses what is not a service's name, and shows how to write it before `target`. */
function checkServiceName(name: string, target: string): void {
	if (name.length > NAME_MAX) {
		throw usage(`The service '${name}' has a name of more than ${NAME_MAX} characters.`, "Give it a shorter one.");
	}
	if (SERVICE_NAME.test(name)) return;
	const dashed = name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
	const valid = dashed.replace(/^[^a-z]+|-$/g, "");
	const meant =
		SERVICE_NAME.test(target) && isTarget(name) ? `${target}=${name}` : `${valid || "web"}=${target || "3000"}`;
	throw usage(
		`'${name}' is not a valid name for a service.`,
		`A name has lower-case letters, digits and hyphens, and begins with a letter: write ${meant}.`,
	);
}

function usage(message: string, hint: string): HivemindError {
	return new HivemindError("usage", message, { hint });
}
