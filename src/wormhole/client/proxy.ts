// Which proxy leads to a mailbox server, by the environment variables that curl and others read, too. Bun's WebSocket
// takes a proxy, but looks for none itself.
import { isInBlock, isLoopback } from "../../base/address.ts";
import { HivemindError } from "../../base/errors.ts";

export interface HttpProxy {
	/** http or https, and with user name and password if there are any: never to be printed. */
	readonly url: string;
	/** For messages: its URL without user name and password, and the variable that names it. */
	readonly name: string;
	readonly variable: string;
}

/** Where a mailbox server is, and what leads there. */
export interface Route {
	/** As `mailboxUrl` returns it. */
	readonly url: string;
	readonly proxy: HttpProxy | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The way to a mailbox server at `url`, which `mailboxUrl` has returned: by HTTPS_PROXY for wss and HTTP_PROXY for ws,
 * unless NO_PROXY lists the host. As with curl, names in lower case win.
 * @throws HivemindError `mailbox` when the variable does not name an http or https proxy
 */
export function routeTo(url: string, environment: Environment = process.env): Route {
	const target = new URL(url);
	const names = target.protocol === "wss:" ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy", "HTTP_PROXY"];
	const variable = names.find((name) => environment[name]);
	if (variable === undefined) return { url, proxy: undefined };
	if (isDirect(target, environment.no_proxy || environment.NO_PROXY || "")) return { url, proxy: undefined };
	const text = environment[variable] as string;
	// curl's default is http, too.
	const full = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`;
	const proxy = URL.canParse(full) ? new URL(full) : undefined;
	if (!proxy || !["http:", "https:"].includes(proxy.protocol)) {
		throw new HivemindError("mailbox", `${variable} is not the URL of an http or https proxy.`, {
			hint: `Write it like http://proxy.example.org:3128, or list ${target.hostname} in NO_PROXY. Joining with the hub's ticket (--ticket) needs neither proxy nor mailbox server.`,
		});
	}
	return { url, proxy: { url: proxy.href, name: `${proxy.origin} (${variable})`, variable } };
}

/**
 * Whether a URL is reached without a proxy: always if it is on this machine, else if `noProxy` lists it. Its entries are
 * names, which stand for their subdomains, too, with or without a dot in front; addresses; blocks like 10.0.0.0/8; any
 * of these but blocks with a port; and `*`, for everything.
 */
export function isDirect(url: URL, noProxy: string): boolean {
	const host = plain(url.hostname);
	const port = url.port || (/^(https|wss):$/.test(url.protocol) ? "443" : "80");
	if (isLoopback(host) || host.endsWith(".localhost")) return true;
	return noProxy.split(/[\s,]+/).some((entry) => entry !== "" && matches(entry.toLowerCase(), host, port));
}

// --- internal ---

/** In lower case, without brackets and without the dot that a full name may end with. */
const plain = (host: string): string => host.toLowerCase().replace(/^\[|\]$|\.$/g, "");

function matches(entry: string, host: string, port: string): boolean {
	if (entry === "*" || isInBlock(host, entry)) return true;
	const v6 = URL.canParse(`http://[${entry}]/`) ? `[${entry}]` : entry;
	const [, name = "", onlyPort] = /^(\[.*\]|[^:]*)(?::(\d+))?$/.exec(v6) ?? [];
	if (name === "" || (onlyPort !== undefined && onlyPort !== port)) return false;
	if (name.startsWith("["))
		return URL.canParse(`http://${name}/`) && plain(new URL(`http://${name}/`).hostname) === host;
	const domain = plain(name.replace(/^\*?\./, ""));
	if (domain === host) return true;
	// An address has no subdomains: 0.1 does not stand for 192.168.0.1.
	return domain !== "" && host.endsWith(`.${domain}`) && !/^[\d.]+$/.test(host);
}
