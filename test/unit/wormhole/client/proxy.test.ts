// Which proxy leads to a mailbox server, by the environment alone.
import { describe, expect, test } from "bun:test";
import { isDirect, routeTo } from "../../../../src/wormhole/client/proxy.ts";
import { thrown } from "../../../support/throws.ts";

const WS = "ws://mailbox.example.org/v1";
const WSS = "wss://mailbox.example.org/v1";

const proxyOf = (url: string, environment: Record<string, string>) => routeTo(url, environment).proxy;

test("without variables there is no proxy", () => {
	expect(routeTo(WSS, {})).toEqual({ url: WSS, proxy: undefined });
	expect(proxyOf(WSS, { HTTPS_PROXY: "", NO_PROXY: "" })).toBeUndefined();
});

test.each([
	[WSS, "HTTPS_PROXY"],
	[WSS, "https_proxy"],
	[WS, "HTTP_PROXY"],
	[WS, "http_proxy"],
])("%s goes by %s", (url, variable) => {
	expect(routeTo(url, { [variable]: "http://proxy:3128" })).toEqual({
		url,
		proxy: { url: "http://proxy:3128/", name: `http://proxy:3128 (${variable})`, variable },
	});
});

test("wss does not go by HTTP_PROXY, and ws not by HTTPS_PROXY", () => {
	expect(proxyOf(WSS, { HTTP_PROXY: "http://proxy:3128", http_proxy: "http://proxy:3128" })).toBeUndefined();
	expect(proxyOf(WS, { HTTPS_PROXY: "http://proxy:3128", https_proxy: "http://proxy:3128" })).toBeUndefined();
});

test("names in lower case win, unless they are empty", () => {
	const both = { HTTPS_PROXY: "http://upper", https_proxy: "http://lower" };
	expect(proxyOf(WSS, both)?.name).toBe("http://lower (https_proxy)");
	expect(proxyOf(WSS, { ...both, https_proxy: "" })?.name).toBe("http://upper (HTTPS_PROXY)");
	expect(proxyOf(WSS, { ...both, no_proxy: "other", NO_PROXY: "*" })).toBeDefined();
	expect(proxyOf(WSS, { ...both, no_proxy: "", NO_PROXY: "*" })).toBeUndefined();
});

test.each([
	["proxy:3128", "http://proxy:3128/", "http://proxy:3128"],
	["proxy", "http://proxy/", "http://proxy"],
	["10.0.0.1:8080", "http://10.0.0.1:8080/", "http://10.0.0.1:8080"],
	["me:secret@proxy:3128", "http://me:secret@proxy:3128/", "http://proxy:3128"],
	["https://me:se%40cret@proxy:8443/", "https://me:se%40cret@proxy:8443/", "https://proxy:8443"],
	["http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128/", "http://[2001:db8::1]:3128"],
])("HTTPS_PROXY=%s is %s, and is shown as %s", (text, url, shown) => {
	const proxy = proxyOf(WSS, { HTTPS_PROXY: text });
	expect(proxy?.url).toBe(url);
	expect(proxy?.name).toBe(`${shown} (HTTPS_PROXY)`);
});

test.each(["socks5://me:secret@proxy:1080", "socks://proxy", "http://", "http://a b", "::", "ftp://proxy"])(
	"HTTPS_PROXY=%s is an error that names the variable and not its value, unless no proxy is needed",
	(text) => {
		const error = thrown("mailbox", () => proxyOf(WSS, { HTTPS_PROXY: text }));
		expect(error.message).toBe("HTTPS_PROXY is not the URL of an http or https proxy.");
		expect(error.hint).toContain("list mailbox.example.org in NO_PROXY");
		expect(error.message + error.hint).not.toContain("secret");
		expect(proxyOf(WSS, { HTTPS_PROXY: text, NO_PROXY: "example.org" })).toBeUndefined();
		expect(proxyOf("wss://localhost/v1", { HTTPS_PROXY: text })).toBeUndefined();
	},
);

describe("this machine is never reached through a proxy:", () => {
	test.each(["localhost", "LOCALHOST", "localhost.", "app.localhost", "127.0.0.1", "127.8.9.10", "127.1", "[::1]"])(
		"%s",
		(host) => {
			expect(isDirect(new URL(`ws://${host}:4000/v1`), "")).toBe(true);
		},
	);

	test.each(["mylocalhost", "localhost.example.org", "128.0.0.1", "[::2]", "0.0.0.0"])(
		"%s is not this machine",
		(host) => {
			expect(isDirect(new URL(`ws://${host}:4000/v1`), "")).toBe(false);
		},
	);
});

describe("NO_PROXY", () => {
	test.each([
		["*", "wss://anything.example/v1"],
		["a,*", "wss://anything.example/v1"],
		["example.org", "wss://example.org/v1"],
		["example.org", "wss://mailbox.example.org/v1"],
		[".example.org", "wss://mailbox.example.org/v1"],
		[".example.org", "wss://example.org/v1"],
		["*.example.org", "wss://mailbox.example.org/v1"],
		["EXAMPLE.org", "wss://Mailbox.Example.ORG/v1"],
		["example.org.", "wss://mailbox.example.org/v1"],
		["example.org", "wss://mailbox.example.org./v1"],
		["a.net, example.org ,b.net", "wss://example.org/v1"],
		["a.net example.org", "wss://example.org/v1"],
		["example.org:443", "wss://example.org/v1"],
		["example.org:80", "ws://example.org/v1"],
		["example.org:4000", "ws://mailbox.example.org:4000/v1"],
		["10.1.2.3", "ws://10.1.2.3/v1"],
		["10.1.2.3:4000", "ws://10.1.2.3:4000/v1"],
		["10.0.0.0/8", "ws://10.1.2.3:4000/v1"],
		["10.1.2.3/32", "ws://10.1.2.3:4000/v1"],
		["2001:db8::1", "ws://[2001:db8::1]/v1"],
		["2001:DB8:0:0::1", "ws://[2001:db8::1]/v1"],
		["[2001:db8::1]", "ws://[2001:db8::1]:4000/v1"],
		["[2001:db8::1]:4000", "ws://[2001:db8::1]:4000/v1"],
		["2001:db8::/32", "ws://[2001:db8:1::2]/v1"],
	])("'%s' lists %s", (list, url) => {
		expect(isDirect(new URL(url), list)).toBe(true);
	});

	test.each([
		["", "wss://example.org/v1"],
		[",, ,", "wss://example.org/v1"],
		[".", "wss://example.org/v1"],
		["org.example", "wss://example.org/v1"],
		["example.org", "wss://badexample.org/v1"],
		["mailbox.example.org", "wss://example.org/v1"],
		["example.org.evil", "wss://example.org/v1"],
		["example.org:80", "wss://example.org/v1"],
		["example.org:4000", "wss://example.org/v1"],
		["ample.org", "wss://example.org/v1"],
		["e*ample.org", "wss://example.org/v1"],
		["https://example.org", "wss://example.org/v1"],
		["1.2.3", "ws://10.1.2.3/v1"],
		["2.3", "ws://10.1.2.3/v1"],
		["10.0.0.0/16", "ws://10.1.2.3/v1"],
		["10.0.0.0/33", "ws://10.0.0.1/v1"],
		["10.0.0.0/", "ws://10.0.0.0/v1"],
		["0.0.0.0/0", "wss://example.org/v1"],
		["2001:db8::/32", "ws://[2001:db9::1]/v1"],
		["[2001:db8::1]:4000", "ws://[2001:db8::1]/v1"],
		["::/0", "ws://10.1.2.3/v1"],
		["[", "ws://10.1.2.3/v1"],
	])("'%s' does not list %s", (list, url) => {
		expect(isDirect(new URL(url), list)).toBe(false);
	});
});
