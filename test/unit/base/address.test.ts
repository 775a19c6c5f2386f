// Addresses: what a user may type, and which part of it the error complains about.
import { expect, test } from "bun:test";
import {
	canonicalHost,
	formatAddress,
	isInBlock,
	isLiteral,
	isLocalhost,
	isLoopback,
	network,
	parseAddress,
} from "../../../src/base/address.ts";
import { thrown } from "../../support/throws.ts";

for (const [text, host, port] of [
	["127.0.0.1:3000", "127.0.0.1", 3000],
	["localhost:0", "localhost", 0],
	["my-host.example.org:65535", "my-host.example.org", 65_535],
	["my_container_1:80", "my_container_1", 80],
	["host.example.:80", "host.example.", 80],
	["[::1]:4000", "::1", 4000],
	["[2001:db8::ff00:42]:1", "2001:db8::ff00:42", 1],
	["[::]:8080", "::", 8080],
] as const) {
	test(`${text} is an address`, () => {
		expect(parseAddress(text, "--x")).toEqual({ host, port });
		expect(formatAddress(parseAddress(text, "--x"))).toBe(text);
	});
}

for (const [text, why] of [
	["", "is not host:port"],
	["3000", "is not host:port"],
	["host", "is not host:port"],
	["http://host:80", "is not host:port"],
	["a:1:2", "is not host:port"],
	["::1", "goes in brackets"],
	["2001:db8::1", "goes in brackets"],
	["[::1]", "is not host:port"],
	[":80", "has no host"],
	["[]:80", "has no IPv6 address in its brackets"],
	["[127.0.0.1]:80", "has no IPv6 address in its brackets"],
	["[::g]:80", "has no IPv6 address in its brackets"],
	["300.0.0.1:80", "has an invalid IPv4 address"],
	["1.2.3:80", "has an invalid IPv4 address"],
	["my host:80", "has an invalid host name"],
	["-host:80", "has an invalid host name"],
	["a..b:80", "has an invalid host name"],
	[`${"a".repeat(64)}:80`, "has an invalid host name"],
	["host:", "has no port between 0 and 65535"],
	["host:http", "has no port between 0 and 65535"],
	["host:65536", "has no port between 0 and 65535"],
	["host:-1", "has no port between 0 and 65535"],
	["host:1e3", "has no port between 0 and 65535"],
	["host:٣", "has no port between 0 and 65535"],
	["host:80 ", "has no port between 0 and 65535"],
] as const) {
	test(`'${text.slice(0, 30)}' ${why}`, () => {
		const error = thrown("usage", () => parseAddress(text, "--x"));
		expect(error.message).toStartWith("--x: ");
		expect(error.message).toContain(why);
		expect(error.hint).toContain("127.0.0.1:3000");
	});
}

test("a service cannot be on port 0", () => {
	expect(thrown("usage", () => parseAddress("host:0", "The backend", false)).message).toContain("port 0");
});

test("a loopback address is recognised in every spelling, and no other address is", () => {
	for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST"])
		expect(isLoopback(host), host).toBe(true);
	for (const host of ["0.0.0.0", "::", "128.0.0.1", "example.org"]) expect(isLoopback(host), host).toBe(false);
});

test("::1 written in full is loopback, too, so that the other family stays on loopback", () => {
	expect(isLoopback("0:0:0:0:0:0:0:1")).toBe(true);
	expect(isLoopback("::0001")).toBe(true);
});

test("a name that begins like a loopback address is not one", () => {
	expect(isLoopback("127.example.org")).toBe(false);
});

test("localhost and the names below it are both loopback addresses; an address is only itself", () => {
	for (const host of ["localhost", "LocalHost", "localhost.", "app.localhost", "a.b.localhost."])
		expect(isLocalhost(host), host).toBe(true);
	for (const host of ["127.0.0.1", "::1", "localhost.example.org", "mylocalhost", ".localhost.x"])
		expect(isLocalhost(host), host).toBe(false);
});

test.each([
	["192.0.2.7", "192.0.2.7"],
	["[2001:db8:1:2:3:4:5:6]", "2001:db8:1:2::/64"],
	["[2001:db8:1:2::1]", "2001:db8:1:2::/64"],
	["2001:db8::1", "2001:db8:0:0::/64"],
	["[fe80::1%eth0]", "fe80:0:0:0::/64"],
	["[::1]", "0:0:0:0::/64"],
	["[1:2:3:4:5:6:7::]", "1:2:3:4::/64"],
	["::ffff:192.0.2.7", "192.0.2.7"],
	["[::ffff:192.0.2.7]", "192.0.2.7"],
	["::ffff:c000:207", "192.0.2.7"],
	["2001:0DB8:0:0::1", "2001:db8:0:0::/64"],
	["https://relay.example/", "https://relay.example/"],
])("the rate-limit key of %s is %s", (host, expected) => {
	expect(network(host)).toBe(expected);
});

test.each([
	["127.0.0.1", "127.0.0.1"],
	["0:0:0:0:0:0:0:1", "::1"],
	["2001:DB8::0042", "2001:db8::42"],
	["fe80::1%eth0", "fe80::1"],
	["::ffff:127.0.0.1", "127.0.0.1"],
	["::FFFF:c0a8:0107", "192.168.1.7"],
	["::", "::"],
	["my-host", "my-host"],
])("%s is written as %s", (host, expected) => {
	expect(canonicalHost(host)).toBe(expected);
});

test("an address is told from a name", () => {
	expect(["127.0.0.1", "::1", "fe80::1%eth0"].map(isLiteral)).toEqual([true, true, true]);
	expect(["localhost", "127.0.0", "host.example"].map(isLiteral)).toEqual([false, false, false]);
});

test.each([
	["10.1.2.3", "10.0.0.0/8", true],
	["10.1.2.3", "10.1.2.3/32", true],
	["fd00::1", "fd00::/8", true],
	["FD00::1", "fd00::/8", true],
	["11.1.2.3", "10.0.0.0/8", false],
	["10.1.2.3", "::/0", false],
	["fd00::1", "0.0.0.0/0", false],
	["10.1.2.3", "10.0.0.0/33", false],
	["fd00::1", "fd00::/129", false],
	["10.1.2.3", "10.0.0.0", false],
	["10.1.2.3", "10/8", false],
	["fe80::1", "fd00::/8", false],
	["::1", "::1/128", true],
	["10.1.2.3", "fd00::/8", false],
	["fd12::1", "10.0.0.0/8", false],
	["10.example.org", "10.0.0.0/8", false],
	["10.1.2.3", "example.org/8", false],
])("%s in the block %s: %p", (address, block, expected) => {
	expect(isInBlock(address, block)).toBe(expected);
});
