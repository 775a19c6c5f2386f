import { describe, expect, test } from "bun:test";
import { SERVER_HOPS_MAX } from "../../../../src/wormhole/server/limits.ts";
import { clientAddress, trustedProxies } from "../../../../src/wormhole/server/proxies.ts";
import { thrown } from "../../../support/throws.ts";

describe("trusted", () => {
	const proxies = trustedProxies(["loopback", "10.1.0.0/16", "192.0.2.7", "fd00:1::/32"]);
	test.each([
		["127.0.0.1", true],
		["127.9.9.9", true],
		["::1", true],
		["10.1.255.1", true],
		["10.2.0.1", false],
		["192.0.2.7", true],
		["192.0.2.8", false],
		["fd00:1::9", true],
		["fd00:2::9", false],
		["", false],
		["localhost", false],
	])("%p: %p", (address, expected) => {
		expect(clientAddress(address, "203.0.113.9", proxies) === "203.0.113.9").toBe(expected);
	});

	test.each([
		"",
		"localhost",
		"10.0.0.0/33",
		"fd00::/129",
		"10.0.0.0/",
		"10.0.0.0/8/8",
		"10.0.0/8",
		"10.0.0.0/-1",
		"*",
	])("%p is not a network", (text) => {
		const error = thrown("usage", () => trustedProxies([text]));
		expect(error).toMatchObject({ message: `--trust-proxy: '${text}' is not a network.` });
	});
});

describe("the client behind", () => {
	const loopback = trustedProxies(["loopback"]);
	const chain = trustedProxies(["loopback", "10.0.0.0/8"]);
	test.each([
		["a direct connection", "192.0.2.1", null, loopback, "192.0.2.1"],
		["a direct connection that lies", "192.0.2.1", "203.0.113.9", loopback, "192.0.2.1"],
		["a direct connection on a socket for both families", "::ffff:192.0.2.1", null, loopback, "192.0.2.1"],
		["a proxy", "127.0.0.1", "203.0.113.9", loopback, "203.0.113.9"],
		["a proxy on a socket for both families", "::ffff:127.0.0.1", "203.0.113.9", loopback, "203.0.113.9"],
		["a proxy that names nobody", "127.0.0.1", null, loopback, "127.0.0.1"],
		["a proxy that knows nobody", "127.0.0.1", "unknown", loopback, "127.0.0.1"],
		["a proxy whose client lies", "127.0.0.1", "198.51.100.1, 203.0.113.9", loopback, "203.0.113.9"],
		["two proxies", "127.0.0.1", "203.0.113.9, 10.0.0.5", chain, "203.0.113.9"],
		["two proxies whose client lies", "127.0.0.1", "198.51.100.1,203.0.113.9,10.0.0.5", chain, "203.0.113.9"],
		["two proxies of which one is trusted", "127.0.0.1", "203.0.113.9, 10.0.0.5", loopback, "10.0.0.5"],
		["a proxy that adds the port", "127.0.0.1", "203.0.113.9:4711", loopback, "203.0.113.9"],
		["a proxy that adds the port to IPv6", "127.0.0.1", "[2001:db8::1]:4711", loopback, "2001:db8::1"],
		["a proxy that writes brackets", "127.0.0.1", "[2001:db8::1]", loopback, "2001:db8::1"],
		["a proxy on IPv6", "::1", "2001:db8::1", loopback, "2001:db8::1"],
		["more hops than are looked at", "127.0.0.1", "127.0.0.1,".repeat(SERVER_HOPS_MAX * 100), loopback, "127.0.0.1"],
	])("%s", (_, address, forwarded, proxies, expected) => {
		expect(clientAddress(address, forwarded, proxies)).toBe(expected);
	});
});
