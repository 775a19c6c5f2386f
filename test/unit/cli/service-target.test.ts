// Where a service runs: what can be written, and what each mistake is answered with.
import { expect, test } from "bun:test";
import { isTarget, readTarget } from "../../../src/cli/service-target.ts";
import { thrown } from "../../support/throws.ts";

const at = (host: string, port: number) => ({ host, port });

for (const [text, scheme, address] of [
	["3000", undefined, at("127.0.0.1", 3000)],
	["1", undefined, at("127.0.0.1", 1)],
	["65535", undefined, at("127.0.0.1", 65_535)],
	["localhost:3000", undefined, at("localhost", 3000)],
	["db.local:5432", undefined, at("db.local", 5432)],
	["[::1]:3000", undefined, at("::1", 3000)],
	["http://localhost:8000", "http", at("localhost", 8000)],
	["http://localhost:8000/", "http", at("localhost", 8000)],
	["HTTPS://[::1]:8443", "https", at("::1", 8443)],
	["ws://127.0.0.1:4000", "ws", at("127.0.0.1", 4000)],
	["tcp://db_1:5432", "tcp", at("db_1", 5432)],
] as const) {
	test(`${text} is ${JSON.stringify(address)}, scheme ${scheme}`, () => {
		expect(readTarget(text, "The frontend")).toEqual({ scheme, address });
		expect(isTarget(text)).toBe(true);
	});
}

for (const [text, why, hint] of [
	["0", "is port 0, which no service listens on", /Write the port that it listens on/],
	["65536", "is not a port", /Ports go from 1 to 65535/],
	["9".repeat(400), "is not a port", /Ports go from 1 to 65535/],
	[":3000", "has no host", /Write 3000 for a port of this machine/],
	["3000:3000", "has two ports", /Write the one that the service listens on, for example 3000\./],
	["3000:frontend", "has its name behind the port", /Write frontend=3000\./],
	["3000,8000", "is not a port", /with spaces between them: 3000 8000\./],
	["3000-3005", "is not a port", /with spaces between them/],
	["3000/tcp", "is not a port", /with spaces between them: 3000\./],
	["-", "is not a port", /with spaces between them: 3000\./],
	[
		"htp://localhost:8000",
		"has the unknown scheme 'htp'",
		/Did you mean 'http'\? The schemes are http, https, ws, tcp;/,
	],
	["wss://localhost:8000", "has the unknown scheme 'wss'", /Did you mean 'ws'\?/],
	["ftp://localhost:21", "has the unknown scheme 'ftp'", /^Write tcp:\/\/localhost:21\. The schemes are/],
	["postgres://db:5432", "has the unknown scheme 'postgres'", /Write tcp:\/\/db:5432\. The schemes are/],
	["://db:5432", "has the unknown scheme ''", /Write tcp:\/\/db:5432\./],
	["udp://localhost:53", "is UDP", /Only TCP services can be shared/],
	["http://localhost:8000/api", "has a path, but a whole port is shared", /Write http:\/\/localhost:8000\./],
	["http://localhost:8000?a=b", "has a path, but a whole port is shared", /Write http:\/\/localhost:8000\./],
	["http://me:secret@localhost:8000", "has a user name", /Write http:\/\/localhost:8000\./],
	["http://localhost", "has no port", /Write http:\/\/localhost:80\./],
	["https://[::1]", "has no port", /Write https:\/\/\[::1\]:443\./],
	["tcp://db", "has no port", /Write tcp:\/\/db:PORT\./],
	["http://3000", "has no host", /Write http:\/\/127\.0\.0\.1:3000\./],
] as const) {
	test(`${text.slice(0, 60)}: ${why}`, () => {
		const error = thrown("usage", () => readTarget(text, "The service 'db'"));
		expect(error.message).toBe(`The service 'db': '${text}' ${why}.`);
		expect(error.hint).toMatch(hint);
		expect(isTarget(text)).toBe(false);
	});
}

for (const [text, why] of [
	["localhost", "is not host:port"],
	["", "is not host:port"],
	["localhost:http", "has no port between 0 and 65535"],
	["localhost:0", "has port 0, which no service listens on"],
	["http://localhost:0", "has port 0, which no service listens on"],
	["http://", "is not host:port"],
	["::1", "has no port (an IPv6 address goes in brackets)"],
	["localhost:80 ", "has no port between 0 and 65535"],
	["10.0.0:80", "has an invalid IPv4 address"],
] as const) {
	test(`'${text}' ${why}, as for any other address`, () => {
		const error = thrown("usage", () => readTarget(text, "The backend"));
		expect(error.message).toStartWith("The backend: '");
		expect(error.message).toContain(why);
		expect(error.hint).toContain("host:port");
	});
}
