// Where a service runs, as people write it: 3000, host:3000 or http://host:3000. Pure.
import { type Address, parseAddress } from "../base/address.ts";
import { HivemindError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { SCHEMES, type Scheme } from "../protocol/services.ts";

export interface Target {
	/** Undefined when none was written. */
	readonly scheme: Scheme | undefined;
	readonly address: Address;
}

/**
 * Reads a port of this machine, `host:port` or `scheme://host:port`; `what` names the service in the error message.
 * @throws HivemindError `usage`, saying what is wrong and how to write it
 */
export function readTarget(text: string, what: string): Target {
	const fail: Fail = (why, hint) => {
		throw new HivemindError("usage", `${what}: '${text}' ${why}.`, { hint });
	};
	const [, prefix, rest = ""] = /^([^:/]*):\/\/(.*)$/s.exec(text) ?? [];
	if (prefix !== undefined) {
		const place = rest.replace(/\/$/, "");
		const scheme = readScheme(prefix, place, fail);
		checkPlace(scheme, place, fail);
		return { scheme, address: parseAddress(place, what, false) };
	}
	if (/^\d+$/.test(text)) return { scheme: undefined, address: { host: LOOPBACK, port: readPort(text, fail) } };
	checkNoPort(text, fail);
	return { scheme: undefined, address: parseAddress(text, what, false) };
}

/** Refuses `http:3000`, which is a port of a host called `http` only where the original program would read it. */
export function checkNoBareScheme(text: string, what: string): void {
	const [, scheme, port] = /^([a-z]+):(\d+)$/.exec(text) ?? [];
	if (!SCHEMES.some((known) => known === scheme)) return;
	throw new HivemindError("usage", `${what}: '${text}' has a scheme, but no host.`, {
		hint: `Write ${scheme}://localhost:${port}, or tcp://${text} for a host that is called '${scheme}'.`,
	});
}

/** Whether {@link readTarget} can read it. */
export function isTarget(text: string): boolean {
	try {
		readTarget(text, "");
		return true;
	} catch {
		return false;
	}
}

// --- internal ---

type Fail = (why: string, hint: string) => never;

/** The dialer tries the other loopback address, too. */
const LOOPBACK = "127.0.0.1";

/** Schemes that are near enough to one of ours to be taken for a typing error. */
const OTHERS = new Set(["ftp", "tls", "ssh", "smtp", "amqp"]);

/** Where a URL without a port leads. */
const USUAL_PORTS: Record<Scheme, string> = { http: "80", https: "443", ws: "80", tcp: "PORT" };

function readScheme(prefix: string, place: string, fail: Fail): Scheme {
	const scheme = SCHEMES.find((known) => known === prefix.toLowerCase());
	if (scheme) return scheme;
	if (prefix.toLowerCase() === "udp") return fail("is UDP", "Only TCP services can be shared.");
	const near = OTHERS.has(prefix.toLowerCase()) ? undefined : nearest(prefix.toLowerCase(), SCHEMES);
	const meant = near === undefined ? `Write tcp://${place}.` : `Did you mean '${near}'?`;
	return fail(
		`has the unknown scheme '${prefix}'`,
		`${meant} The schemes are ${SCHEMES.join(", ")}; they only decide how the address is shown.`,
	);
}

/** Refuses what a URL has besides host and port. */
function checkPlace(scheme: Scheme, place: string, fail: Fail): void {
	const [bare = ""] = place.split(/[/?#]/, 1);
	const host = bare.slice(bare.lastIndexOf("@") + 1);
	if (host !== bare) fail("has a user name", `Write ${scheme}://${host}.`);
	if (bare !== place) fail("has a path, but a whole port is shared", `Write ${scheme}://${bare}.`);
	if (/^\d+$/.test(host)) fail("has no host", `Write ${scheme}://${LOOPBACK}:${host}.`);
	if (host !== "" && /^(\[[^\]]*\]|[^:[\]]+)$/.test(host)) {
		fail("has no port", `Write ${scheme}://${host}:${USUAL_PORTS[scheme]}.`);
	}
}

function readPort(text: string, fail: Fail): number {
	const port = Number(text);
	if (port === 0) fail("is port 0, which no service listens on", "Write the port that it listens on.");
	if (!(port <= 65_535)) fail("is not a port", "Ports go from 1 to 65535.");
	return port;
}

/** Refuses what looks like a port, and says what was probably meant. */
function checkNoPort(text: string, fail: Fail): void {
	const [, port = "", tail = ""] = /^(\d+):(.*)$/s.exec(text) ?? [];
	if (/^\d+$/.test(tail)) {
		fail("has two ports", `Write the one that the service listens on, for example ${port}. Peers choose their own.`);
	}
	if (/^[a-z]/i.test(tail)) fail("has its name behind the port", `Write ${tail.toLowerCase()}=${port}.`);
	if (/^:\d+$/.test(text)) fail("has no host", `Write ${text.slice(1)} for a port of this machine.`);
	if (/^[\d,;+/-]+$|^\d+\//.test(text)) {
		const ports = text.match(/\d+/g) ?? ["3000"];
		fail("is not a port", `Write a number for each service, with spaces between them: ${ports.join(" ")}.`);
	}
}
