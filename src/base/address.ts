// host:port, parsed at the edge: a name, an IPv4 address or a bracketed IPv6 address, and a port. Pure.
import { HivemindError } from "./errors.ts";

export interface Address {
	/** A name, an IPv4 address, or an IPv6 address without brackets. */
	readonly host: string;
	/** 0 to 65535. */
	readonly port: number;
}

// Loaded when the first address is looked at: it takes 10 ms, which '--version' and '--help' do without.
const net = () => require("node:net") as typeof import("node:net");
const isIPv4 = (text: string) => net().isIPv4(text);
const isIPv6 = (text: string) => net().isIPv6(text);

// RFC 1123 labels, plus the underscores that container networks use.
const NAME = /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?$/i;

/**
 * Parses `host:port`; `what` names the argument or option in the error message.
 * @throws HivemindError `usage`, saying which part is wrong
 */
export function parseAddress(text: string, what: string, allowPortZero = true): Address {
	const fail = (why: string): never => {
		throw new HivemindError("usage", `${what}: '${text}' ${why}.`, {
			hint: "Write host:port, for example 127.0.0.1:3000, my-host:8000 or [::1]:4000.",
		});
	};
	const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(text);
	if (!match) return fail(isIPv6(text) ? "has no port (an IPv6 address goes in brackets)" : "is not host:port");
	const [, v6, plain = "", portText = ""] = match;
	if (v6 !== undefined && !isIPv6(v6)) return fail(`has no IPv6 address in its brackets`);
	if (v6 === undefined && plain === "") return fail("has no host");
	if (v6 === undefined && /^[\d.]+$/.test(plain) && !isIPv4(plain)) return fail("has an invalid IPv4 address");
	if (v6 === undefined && !NAME.test(plain)) return fail("has an invalid host name");
	if (!/^\d{1,5}$/.test(portText) || Number(portText) > 65_535) return fail("has no port between 0 and 65535");
	if (!allowPortZero && Number(portText) === 0) return fail("has port 0, which no service listens on");
	return { host: v6 ?? plain, port: Number(portText) };
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatAddress({ host, port }: Address): string {
	return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Rate-limit key: the IPv4 address, or the /64 of an IPv6 address, all of which one machine may have. Brackets are
 * allowed; anything else (a relay's URL) is returned as it is.
 */
export function network(host: string): string {
	const ip = canonicalHost(host.replace(/^\[|\]$/g, ""));
	if (!isIPv6(ip)) return isIPv4(ip) ? ip : host;
	const [head = "", tail] = ip.split("::");
	const groups = (text: string) => (text === "" ? [] : text.split(":"));
	const zeros = tail === undefined ? [] : new Array(8 - groups(head).length - groups(tail).length).fill("0");
	return `${[...groups(head), ...zeros, ...groups(tail ?? "")].slice(0, 4).join(":")}::/64`;
}

/** Whether the host is an IP address and not a name. */
export function isLiteral(host: string): boolean {
	return isIPv4(host) || isIPv6(host);
}

/**
 * An IP address in one spelling: IPv6 shortened, in lower case and without a zone, an IPv4-mapped one as IPv4 (RFC 4291,
 * section 2.5.5.2). A name is returned as it is.
 */
export function canonicalHost(host: string): string {
	if (!isIPv6(host)) return host;
	const short = new URL(`http://[${host.split("%")[0]}]/`).hostname.slice(1, -1);
	const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(short);
	if (!mapped) return short;
	return mapped
		.slice(1)
		.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff])
		.join(".");
}

/**
 * Whether the host is `localhost` or a name below it, which leads to both loopback addresses, and to nothing else
 * (RFC 6761 section 6.3). A client may take either of them.
 */
export function isLocalhost(host: string): boolean {
	return /^(?:.+\.)?localhost\.?$/i.test(host);
}

/** Whether the host is this machine's loopback, however it is written. */
export function isLoopback(host: string): boolean {
	if (isIPv4(host)) return host.startsWith("127.");
	if (isIPv6(host)) return canonicalHost(host) === "::1";
	return host.toLowerCase() === "localhost";
}

/** Whether an IP address is in a block like 10.0.0.0/8 or fd00::/8; false when either is something else. */
export function isInBlock(address: string, block: string): boolean {
	const [, base = "", digits = ""] = /^([\d.]+|[\da-f:.]+)\/(\d{1,3})$/i.exec(block) ?? [];
	const bits = Number(digits);
	const family = isIPv4(base) && bits <= 32 ? "ipv4" : isIPv6(base) && bits <= 128 ? "ipv6" : undefined;
	if (!family || !(family === "ipv4" ? isIPv4(address) : isIPv6(address))) return false;
	const list = new (net().BlockList)();
	list.addSubnet(base, bits, family);
	return list.check(address, family);
}
