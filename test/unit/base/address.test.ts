// Addresses: what a user may type, and which part of it the error names.
import { expect, test } from "bun:test";
import { formatAddress, isInBlock, isLoopback, network, parseAddress } from "../../../src/base/address.ts";
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
	["300.0.0.1:80", "has no valid IPv4 address"],
	["1.2.3:80", "has no valid IPv4 address"],
	["my host:80", "has no valid host name"],
	["-host:80", "has no valid host name"],
	["a..b:80", "has no valid host name"],
	[`${"a".repeat(64)}:80`, "has no valid host name"],
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

test("port 0 is not a port of a service", () => {
	expect(thrown("usage", () => parseAddress("host:0", "The backend", false)).message).toContain("port 0");
});

test("a loopback address is recognised in every spelling, and no other", () => {
	for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST"])
		expect(isLoopback(host), host).toBe(true);
	for (const host of ["0.0.0.0", "::", "128.0.0.1", "example.org"]) expect(isLoopback(host), host).toBe(false);
});

test("::1 written in full is loopback too, so that the other family stays on loopback", () => {
	expect(isLoopback("0:0:0:0:0:0:0:1")).toBe(true);
	expect(isLoopback("::0001")).toBe(true);
});

test("a name that begins like a loopback address is not one", () => {
	expect(isLoopback("127.example.org")).toBe(false);
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
	["10.1.2.3", "10.0.0.0/8", true],
	["11.1.2.3", "10.0.0.0/8", false],
	["fd12::1", "fd00::/8", true],
	["fe80::1", "fd00::/8", false],
	["::1", "::1/128", true],
	["10.1.2.3", "fd00::/8", false],
	["fd12::1", "10.0.0.0/8", false],
	["10.1.2.3", "10.0.0.0/33", false],
	["10.1.2.3", "10.0.0.0", false],
	["name", "10.0.0.0/8", false],
])("%s is in %s: %p", (address, block, expected) => {
	expect(isInBlock(address, block)).toBe(expected);
});
