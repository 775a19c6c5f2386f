// Who may ask the status server. A web page of another site must learn nothing, not even by DNS rebinding: the Host must
// be this machine's loopback or the address that was asked for, and requests that browsers make for other sites are
// refused. Secrets, and from another machine everything, need the token.
import { type Address, canonicalHost, formatAddress, isLiteral, isLoopback, parseAddress } from "../base/address.ts";
import { HivemindError } from "../base/errors.ts";
import { RateLimiter } from "../base/rate-limiter.ts";
import { STATUS_TOKEN_MAX, TOKEN_TRIES_BURST, TOKEN_TRY_MS } from "./limits.ts";

/** What a request may see. */
export interface Grant {
	/** Tickets and join codes, too. */
	secrets: boolean;
}

/** Why it may not, as a response. */
export interface Refusal {
	status: 400 | 401 | 403 | 429;
	text: string;
}

/**
 * Whether the status server may listen at `address` with this token, if any.
 * @throws HivemindError `usage` for an address that other machines reach without a token, and for an impossible token
 */
export function checkStatusAddress(address: Address, token: string | undefined): void {
	if (token !== undefined && !(/^[\x21-\x7e]+$/.test(token) && token.length <= STATUS_TOKEN_MAX)) {
		throw new HivemindError(
			"usage",
			`--status-token: a token has 1 to ${STATUS_TOKEN_MAX} letters, digits or signs of ASCII, and no blanks.`,
			{ hint: "This makes one: openssl rand -hex 16." },
		);
	}
	if (token !== undefined || isLoopback(address.host)) return;
	throw new HivemindError(
		"usage",
		`--status-addr: other machines may reach ${formatAddress(address)}, so it needs a --status-token.`,
		{ hint: "Or listen on loopback only, for example 127.0.0.1:4040." },
	);
}

export class Access {
	readonly #bound: string;
	readonly #required: boolean;
	readonly #token: string;
	/** What the page's cookie has: not the token, which is good for longer than this run. */
	readonly #session = random();
	readonly #cookie: string;
	readonly #tries = new RateLimiter({ burst: TOKEN_TRIES_BURST, everyMs: TOKEN_TRY_MS });

	/** For the server at `bound`, with its real port. Without a token, one is made up that only secrets need. */
	constructor(bound: Address, token: string | undefined) {
		this.#bound = canonicalHost(bound.host).toLowerCase();
		this.#required = token !== undefined;
		this.#token = token ?? random();
		// Browsers send a cookie to every port of its host: two programs must not use the same name.
		this.#cookie = `hivemind_status_${bound.port}`;
	}

	/** The token that was made up; undefined when one was given. */
	get madeUp(): string | undefined {
		return this.#required ? undefined : this.#token;
	}

	/** What a request from the network `from` may see. */
	judge({ headers }: Request, from: string): Grant | Refusal {
		const foreign = this.#foreign(headers);
		if (foreign) return foreign;
		const authorization = headers.get("authorization");
		if (authorization !== null) {
			return this.#tried(/^bearer +(\S+)$/i.exec(authorization)?.[1] ?? "", from) ?? { secrets: true };
		}
		// A cookie of an earlier run is not a guess.
		if (same(this.#session, cookies(headers).get(this.#cookie) ?? "")) return { secrets: true };
		return this.#required ? refusal(401, NEEDED) : { secrets: false };
	}

	/** The cookie for a page that was opened with `?token=`, or why that token is refused. */
	logIn({ headers }: Request, token: string, from: string): { cookie: string } | Refusal {
		const wrong = this.#foreign(headers) ?? this.#tried(token, from);
		return wrong ?? { cookie: `${this.#cookie}=${this.#session}; Path=/; HttpOnly; SameSite=Strict` };
	}

	// --- internal ---

	/** Undefined for a token that is right. */
	#tried(token: string, from: string): Refusal | undefined {
		if (this.#tries.waitMs(from) > 0) return refusal(429, "Too many wrong tokens: wait a second.");
		if (same(this.#token, token)) return undefined;
		this.#tries.take(from);
		return refusal(401, "This is not the token of this program.");
	}

	#foreign(headers: Headers): Refusal | undefined {
		const stated = headers.get("host") ?? "";
		const host = hostOf(stated);
		if (host === undefined) return refusal(400, "The Host header is not a host.");
		if (!this.#isOwn(host)) {
			return refusal(
				403,
				"This server answers to localhost and to its own address only (the Host header has another).",
			);
		}
		const origin = headers.get("origin")?.toLowerCase();
		const ownOrigins = [`http://${stated}`, `https://${stated}`].map((own) => own.toLowerCase());
		// Without an Origin, as for pictures and scripts, browsers tell it like this (W3C, Fetch Metadata). Links are fine.
		const site = headers.get("sec-fetch-site") ?? "none";
		const link = headers.get("sec-fetch-mode") === "navigate";
		const otherSite = !["none", "same-origin"].includes(site) && !link;
		if ((origin === undefined || ownOrigins.includes(origin)) && !otherSite) return undefined;
		return refusal(403, "Web pages of other sites may not use this server.");
	}

	#isOwn(host: string): boolean {
		if (isLoopback(host) || canonicalHost(host).toLowerCase() === this.#bound) return true;
		// On every address, any of them may be meant. A rebound name is a name: an address leads where it says.
		return ["0.0.0.0", "::"].includes(this.#bound) && isLiteral(host);
	}
}

// --- internal ---

const NEEDED = `This status server needs its token: as 'Authorization: Bearer …', or for a browser once as /?token=….`;

const refusal = (status: Refusal["status"], text: string): Refusal => ({ status, text });

/** In hexadecimal digits: in base64, one of 64 begins with a dash and is taken for an option. */
const random = (): string => crypto.getRandomValues(new Uint8Array(16)).toHex();

/** The host in a Host header, with or without a port; undefined for anything else. */
function hostOf(stated: string): string | undefined {
	try {
		return parseAddress(/:\d+$/.test(stated) ? stated : `${stated}:80`, "Host").host;
	} catch {
		return undefined;
	}
}

function cookies(headers: Headers): Map<string, string> {
	const pairs = (headers.get("cookie") ?? "").split(";").map((pair) => pair.trim().split("=", 2));
	return new Map(pairs.map(([name = "", value = ""]) => [name, value]));
}

/** In a time that does not depend on how much of it is right. */
function same(right: string, given: string): boolean {
	const digest = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest();
	return crypto.timingSafeEqual(digest(right), digest(given));
}
