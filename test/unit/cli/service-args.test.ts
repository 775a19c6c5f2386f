// The arguments of `share`: which services and which name they mean, and how each mistake is answered.
import { describe, expect, test } from "bun:test";
import { readServiceArgs } from "../../../src/cli/service-args.ts";
import { NAME_MAX, SERVICES_MAX } from "../../../src/protocol/limits.ts";
import { thrown } from "../../support/throws.ts";

/** The services as `portId name scheme host:port`, and the hub's name behind them. */
function read(line: string): string[] {
	const { services, name } = readServiceArgs(line.split(" ").filter(Boolean));
	const shown = services.map(({ portId, name, scheme, address: { host, port } }) => {
		return `${portId} ${name} ${scheme} ${host}:${port}`;
	});
	return name === undefined ? shown : [...shown, name];
}

describe("what the arguments mean:", () => {
	test.each([
		["", []],
		["my-hub", ["my-hub"]],
		["3000", ["1 frontend http 127.0.0.1:3000"]],
		["3000 my-hub", ["1 frontend http 127.0.0.1:3000", "my-hub"]],
		[
			"3000 8000 4000 my-hub",
			["1 frontend http 127.0.0.1:3000", "2 backend http 127.0.0.1:8000", "3 websocket ws 127.0.0.1:4000", "my-hub"],
		],
		[
			"web=3000 api=8000 mail=8025 db=db.local:5432 my-hub",
			[
				"4 web http 127.0.0.1:3000",
				"5 api http 127.0.0.1:8000",
				"6 mail http 127.0.0.1:8025",
				"7 db tcp db.local:5432",
				"my-hub",
			],
		],
		["db=5432 3000", ["4 db tcp 127.0.0.1:5432", "1 frontend http 127.0.0.1:3000"]],
		["backend=8000 3000", ["2 backend http 127.0.0.1:8000", "1 frontend http 127.0.0.1:3000"]],
		["websocket=4000", ["3 websocket ws 127.0.0.1:4000"]],
		["api=https://localhost:8443", ["4 api https localhost:8443"]],
		["https://localhost:3000 app.local:8000", ["1 frontend https localhost:3000", "2 backend http app.local:8000"]],
		["db=http://localhost:5432", ["4 db http localhost:5432"]],
		["cache=6379 queue=5672", ["4 cache tcp 127.0.0.1:6379", "5 queue tcp 127.0.0.1:5672"]],
	])("%s", (line, meaning) => {
		expect(read(line)).toEqual(meaning);
	});

	test.each(["my-hub", "8080", "d:4", "a=b", "db=", "Db=5432", "http://x", "=", "", " ", "ä ö", "5-hamburger-endorse"])(
		"three times host:port and then '%s': that is the hub's name, as in the original program",
		(name) => {
			const { services, name: found } = readServiceArgs(["a:1", "b:2", "[::1]:3", name]);
			expect(services.map(({ portId, scheme }) => [portId, scheme])).toEqual([
				[1, "http"],
				[2, "http"],
				[3, "ws"],
			]);
			expect(found).toBe(name);
		},
	);

	test("a host of the original program may be called like a scheme", () => {
		expect(read("http:3000 api:8000 ws:4000 my-hub")).toEqual([
			"1 frontend http http:3000",
			"2 backend http api:8000",
			"3 websocket ws ws:4000",
			"my-hub",
		]);
		expect(read("ws=tcp://ws:4000")).toEqual(["4 ws tcp ws:4000"]);
	});

	test("three times host:port and then a complete service are four services", () => {
		expect(read("a:1 b:2 c:3 db=5432")).toEqual([
			"1 frontend http a:1",
			"2 backend http b:2",
			"3 websocket ws c:3",
			"4 db tcp 127.0.0.1:5432",
		]);
	});

	test("a hub may be called like the beginning of a ticket or of a code", () => {
		expect(read("3000 endpoint-7").at(-1)).toBe("endpoint-7");
		expect(read("3000 3-tier").at(-1)).toBe("3-tier");
	});

	test("as many services as a hub may have", () => {
		const words = Array.from({ length: SERVICES_MAX }, (_, i) => `s${i}=${1000 + i}`);
		const { services } = readServiceArgs([...words, "hub"]);
		expect(services.map(({ portId }) => portId)).toEqual(words.map((_, i) => 4 + i));
		const error = thrown("usage", () => readServiceArgs([...words, "one=1", "hub"]));
		expect(error.message).toBe("A hub shares at most 32 services, not 33.");
	});
});

describe("a mistake is answered with how to write it:", () => {
	test.each<[line: string, message: string | RegExp, hint: string | RegExp]>([
		[
			"3000 8000 4000 5999",
			"'5999' is one service too many without a name: only the frontend, the backend and the websocket need none.",
			"Write admin=5999, or --name 5999 if that is the hub's name.",
		],
		["http://a:1 http://b:2 http://c:3 4000", /^'4000' is one service too many/, /--name 4000/],
		["3000 8000 4000 db:5432 my-hub", /^'db:5432' is one service too many/, /^Write postgres=db:5432, or/],
		[
			"my-hub 3000",
			"'my-hub' is not a service, and only the last argument can be the hub's name.",
			"Write a service as my-hub=3000.",
		],
		["web 3000 my-hub", /^'web' is not a service/, "Write a service as web=3000."],
		["Web 3000 my-hub", /^'Web' is not a service/, "Write a service as web=3000."],
		["web = 3000", /^'web' is not a service/, "Write a service as web=3000."],
		["3000 my hub", /^'my' is not a service/, 'Put a name of several words in quotes: "my hub".'],
		["localhost localhost:8000 localhost:4000 my-hub", /^'localhost' is not a service/, /^Write a service as /],
		["web=3000 web=3001", "Two services are called 'web'.", "Rename one of them."],
		[
			"3000 frontend=4000",
			"Two services are called 'frontend'.",
			/^Services without a name are the frontend, .* Name one, for example web=3000\.$/,
		],
		["api=htp://localhost:8000", /unknown scheme 'htp'/, /^Did you mean 'http'\?/],
		["Web=3000", "'Web' is not a valid name for a service.", /lower-case.*: write web=3000\.$/],
		["my_db=5432", /^'my_db' is not a valid name/, /write my-db=5432\.$/],
		["1st=3000", /^'1st' is not a valid name/, /write st=3000\.$/],
		["3000=web", /^'3000' is not a valid name/, /write web=3000\.$/],
		["=3000", /^'' is not a valid name/, /write web=3000\.$/],
		["web= 3000", "The service 'web' has no port.", "Write web=3000, without a space at the equals sign."],
		["3000:frontend", /^The frontend: '3000:frontend' has its name behind the port\.$/, "Write frontend=3000."],
		["web=http://localhost:3000/app", /^The service 'web': .* has a path/, "Write http://localhost:3000."],
		["http://localhost:3000/?a=b", /^The frontend: .* has a path/, "Write http://localhost:3000."],
		["3000,8000", /^The frontend: '3000,8000' is not a port/, /spaces between them: 3000 8000\./],
		["0", /^The frontend: '0' is port 0/, /./],
		["web=0", /^The service 'web': '0' is port 0/, /./],
		["a:1 b:0 c:3 my-hub", "The backend: 'b:0' has port 0, which no service listens on.", /./],
		[
			"web=http:3000",
			"The service 'web': 'http:3000' has a scheme, but no host.",
			"Write http://localhost:3000, or tcp://http:3000 for a host that is called 'http'.",
		],
		[
			"3000 5-hamburger-endorse",
			"The last argument of 'share' looks like a join code, and that is for 'join'.",
			"If it is the hub's name, write --name NAME.",
		],
		[
			`3000 endpoint${"a2b".repeat(40)}.abc`,
			/^The last argument of 'share' looks like a ticket, [^2]*$/,
			/--name NAME/,
		],
		["3000 8000 anna:laptop", /^The websocket: 'anna:laptop' has no port/, /./],
	])("%s", (line, message, hint) => {
		const error = thrown("usage", () => read(line));
		expect(error.message).toMatch(message);
		expect(error.hint).toMatch(hint);
	});

	test("a name that would not fit onto the wire", () => {
		const name = `a${"b".repeat(NAME_MAX)}`;
		const error = thrown("usage", () => read(`${name}=3000`));
		expect(error.message).toEndWith("has a name of more than 64 characters.");
		expect(read(`${name.slice(1)}=3000`)).toEqual([`4 ${name.slice(1)} http 127.0.0.1:3000`]);
	});
});
