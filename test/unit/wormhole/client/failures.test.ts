// What the user is told when there is no connection to the mailbox server. The messages are those of Bun's WebSocket.
import { describe, expect, test } from "bun:test";
import { outage, unreachable } from "../../../../src/wormhole/client/failures.ts";

const URL = "wss://mailbox.example.org/v1";
const PROXY = { url: "http://me:secret@proxy:3128/", name: "http://proxy:3128 (HTTPS_PROXY)", variable: "HTTPS_PROXY" };
const failed = (what: string) => `WebSocket connection to '${URL}' failed: ${what}`;

describe("why", () => {
	test.each([
		["ECONNREFUSED", "Failed to connect", "connection refused"],
		["ENOTFOUND", "Failed to connect", "host name not found"],
		["ENETUNREACH", "Failed to connect", "Failed to connect"],
		["", "Expected 101 status code", "Expected 101 status code"],
		["", "Proxy connection failed: 403 Forbidden", "the proxy answered '403 Forbidden'"],
		[
			"ERR_TLS_CERT_ALTNAME_INVALID",
			"TLS handshake failed: Hostname/IP does not match",
			"TLS handshake failed: Hostname/IP does not match",
		],
		[
			"CERT_HAS_EXPIRED",
			"TLS handshake failed: certificate has expired",
			"TLS handshake failed: certificate has expired",
		],
	])("%s, %s", (code, message, why) => {
		expect(outage(code, failed(message), PROXY)).toEqual({ why });
	});

	test.each(["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "DEPTH_ZERO_SELF_SIGNED_CERT", "SELF_SIGNED_CERT_IN_CHAIN"])(
		"%s: what to do about the certificate",
		(code) => {
			const { why, hint } = outage(code, failed("TLS handshake failed: so it is"), undefined);
			expect(why).toBe("the certificate is not trusted (so it is)");
			expect(hint).toMatch(/system's certificate store.*SSL_CERT_FILE.*NODE_EXTRA_CA_CERTS/);
		},
	);

	test("a proxy that wants a password: what to do", () => {
		const message = failed("Proxy authentication required: 407 Proxy Authentication Required");
		const { why, hint } = outage("", message, PROXY);
		expect(why).toBe("the proxy answered '407 Proxy Authentication Required'");
		expect(hint).toContain("HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT");
		expect(hint).not.toContain("secret");
	});

	test("what a proxy makes up is cut and cleaned", () => {
		const { why } = outage("", failed(`Proxy connection failed: 500 \x1b[2J${"x".repeat(5000)}`), PROXY);
		expect(why).not.toContain("\x1b");
		expect(why.length).toBeLessThan(300);
	});
});

test("the error names the proxy, if there is one, without its password", () => {
	const direct = unreachable({ url: URL, proxy: undefined }, { why: "connection refused" });
	expect(direct.message).toBe(`The mailbox server ${URL} cannot be reached: connection refused.`);
	expect(direct.hint).toContain("--ticket");
	const proxied = unreachable({ url: URL, proxy: PROXY }, { why: "connection refused", hint: "Wait." });
	expect(proxied.message).toBe(
		`The mailbox server ${URL} cannot be reached through the proxy http://proxy:3128 (HTTPS_PROXY): connection refused.`,
	);
	expect(proxied.hint).toMatch(/^Wait\. .*--ticket/);
	const silent = unreachable({ url: URL, proxy: PROXY }, { why: "it does not answer" });
	expect(silent.hint).toMatch(/^If no proxy is needed for it, list mailbox\.example\.org in NO_PROXY\. .*--ticket/);
});
