// What a project file says, as options; and each mistake in one, with its line and what was probably meant.
import { describe, expect, test } from "bun:test";
import { readProject } from "../../../src/cli/project-contents.ts";
import { PROJECT_TABLE } from "../../support/project-table.ts";
import { thrown } from "../../support/throws.ts";

const read = (text: string, path = "hivemind.toml") => readProject({ path, text }, PROJECT_TABLE);
const options = (text: string, path?: string) => {
	const { share, join } = read(text, path).options;
	return { share: Object.fromEntries(share ?? []), join: Object.fromEntries(join ?? []) };
};

test("an empty file says nothing", () => {
	expect(read("")).toMatchObject({ path: "hivemind.toml", name: undefined, services: [], options: {} });
	expect(options("[share]\n[join]\n[services]\n")).toEqual({ share: {}, join: {} });
});

test("the name, and the services as words of share in the order of the file", () => {
	const project = read(`
		name = "shop"
		[services]
		web = 3000
		api = "localhost:8000"
		mail = "http://127.0.0.1:8025"
		db = "5432"
	`);
	expect(project.name).toBe("shop");
	expect(project.services).toEqual(["web=3000", "api=localhost:8000", "mail=http://127.0.0.1:8025", "db=5432"]);
	expect(project.where("services", "mail")).toBe("hivemind.toml, line 6");
});

test("flags, texts, numbers, choices, lists and tables become what the command line would give", () => {
	const text = `
		[share]
		wormhole = true
		qr = false
		max-peers = 5
		alpn = "two"
		relay-url = ["https://a", "https://b"]
		verbose = 2
		[join]
		relay-url = "https://a"
		only = ["web", "api"]
		verbose = true
		bind = { web = 3001, db = "0.0.0.0:5433" }
		no-relay = false
	`;
	expect(options(text)).toEqual({
		share: {
			wormhole: 1,
			qr: 0,
			"max-peers": "5",
			alpn: "two",
			"relay-url": ["https://a", "https://b"],
			verbose: 2,
		},
		join: {
			"relay-url": ["https://a"],
			only: ["web", "api"],
			verbose: 1,
			bind: ["web=3001", "db=0.0.0.0:5433"],
			"no-relay": 0,
		},
	});
	expect(options('[join]\nbind = ["web=1", "db=2"]\nonly = "web,api"\n').join).toEqual({
		bind: ["web=1", "db=2"],
		only: ["web,api"],
	});
	expect(options("[join.bind]\nweb = 1").join).toEqual({ bind: ["web=1"] });
	expect(options("[join]\nbind = []\nrelay-url = []").join).toEqual({});
});

test("a path is relative to the folder of the file", () => {
	const text = '[share]\nidentity = ".hivemind/key"\n[join]\nidentity = "/key"';
	expect(options(text)).toEqual({ share: { identity: ".hivemind/key" }, join: { identity: "/key" } });
	expect(options(text, "../other/shop.toml").share).toEqual({ identity: "../other/.hivemind/key" });
	expect(options(text, "/etc/shop.toml")).toEqual({
		share: { identity: "/etc/.hivemind/key" },
		join: { identity: "/key" },
	});
});

const KINDS = `a port, "host:port" or "scheme://host:port"`;

describe("a mistake is told with its line, and with what was probably meant:", () => {
	const MISTAKES: [text: string, message: string, hint?: string][] = [
		["x = 1", "line 1: Unknown key 'x'.", "The keys are name, services, share, join."],
		["\n\nnmae = 'x'", "line 3: Unknown key 'nmae'.", "Did you mean 'name'?"],
		["[shar]", "line 1: Unknown key 'shar'.", "Did you mean 'share'?"],
		["[service]\nweb = 1", "line 1: Unknown key 'service'.", "Did you mean 'services'?"],
		["[demo]\nonce = true", "line 1: Unknown key 'demo'.", "The keys are name, services, share, join."],
		["wormhole = true", "line 1: 'wormhole' belongs below [share]."],
		["no-relay = true", "line 1: 'no-relay' belongs below [share] or [join]."],
		["__proto__ = 1", "line 1: Unknown key '__proto__'.", "The keys are name, services, share, join."],
		["[share]\n# x\nwormole = true", "line 3: 'share' has no option 'wormole'.", "Did you mean 'wormhole'?"],
		["[share]\nmax_peers = 1", "line 2: 'share' has no option 'max_peers'.", "Did you mean 'max-peers'?"],
		["[share]\n--qr = true", "line 2: 'share' has no option '--qr'.", "Did you mean 'qr'?"],
		["[share]\nticket = 'x'", "line 2: 'share' has no option 'ticket'.", "It is an option of 'join'."],
		["[share]\nwords = 'x'", "line 2: 'share' has no option 'words'."],
		["[share]\nconstructor = 1", "line 2: 'share' has no option 'constructor'."],
		["[share]\n__proto__ = 1", "line 2: 'share' has no option '__proto__'."],
		["[join]\nticket = 'x'", "line 2: 'ticket' cannot be set here.", "It is a secret."],
		["[join]\nconfig = 'x'", "line 2: 'config' cannot be set here.", "No other file."],
		["share = true", "line 1: 'share' must be a table, not true."],
		["[[share]]", "line 1: 'share' must be a table, not an array."],
		["name = 5", "line 1: 'name' must be a string, not 5."],
		["name = ''", "line 1: The name is empty."],
		['name = "a\\u0007"', "line 1: The name contains control characters."],
		["services = 3000", "line 1: 'services' must be a table, not 3000."],
		["[services]\nweb = true", `line 2: 'web' must be ${KINDS}, not true.`],
		["[services]\nweb = 3000.5", `line 2: 'web' must be ${KINDS}, not 3000.5.`],
		["[services]\nweb = ''", `line 2: 'web' must be ${KINDS}, not an empty string.`],
		["[services]\nweb = [3000]", `line 2: 'web' must be ${KINDS}, not an array.`],
		["[services.web]\nport = 3000", `line 1: 'web' must be ${KINDS}, not a table.`],
		["[services]\nweb = 2026-01-01", `line 2: 'web' must be ${KINDS}, not a date or a time.`],
		[
			"[services]\nWeb = 3000",
			"line 2: 'Web' is not a valid name for a service.",
			"A name has lower-case letters, digits and hyphens, and begins with a letter: write web=3000.",
		],
		[
			"[services]\nweb = 0",
			"line 2: The service 'web': '0' is port 0, which no service listens on.",
			"Write the port that it listens on.",
		],
		["[share]\nwormhole = 'yes'", "line 2: 'wormhole' must be true or false, not 'yes'."],
		["[share]\nwormhole = 1", "line 2: 'wormhole' must be true or false, not 1."],
		["[share]\nverbose = -1", "line 2: 'verbose' must be true, false or a whole number, not -1."],
		["[share]\nmax-peers = true", "line 2: 'max-peers' must be a string (N) or a whole number, not true."],
		["[share]\nmax-peers = 1.5", "line 2: 'max-peers' must be a string (N) or a whole number, not 1.5."],
		["[share]\nmax-peers = inf", "line 2: 'max-peers' must be a string (N) or a whole number, not Infinity."],
		["[share]\nmax-peers = ['1']", "line 2: 'max-peers' must be a string (N) or a whole number, not an array."],
		["[share]\nidentity = ''", "line 2: 'identity' must be a string (FILE) or a whole number, not an empty string."],
		['[share]\nidentity = "a\\u0000"', "line 2: 'identity' must be a string (FILE) or a whole number, not 'a\0'."],
		["[share]\nalpn = 'three'", "line 2: 'alpn' must be one of one, two, not 'three'."],
		[
			"[share]\nrelay-url = ['a', true]",
			"line 2: 'relay-url' must be a string (URL) or an array of them, not an array with true.",
		],
		["[share]\nrelay-url = { a = 1 }", "line 2: 'relay-url' must be a string (URL) or an array of them, not a table."],
		[
			"[join]\nbind = { web = true }",
			"line 2: 'bind' must be a string (NAME=PORT), an array of them, or a table like { web = 3001 }, not a table with true.",
		],
	];
	for (const [text, message, hint] of MISTAKES) {
		test(JSON.stringify(text), () => {
			const error = thrown("usage", () => read(text));
			expect(error.message).toBe(`hivemind.toml, ${message}`);
			expect(error.hint).toBe(hint as string);
		});
	}
});

test("33 services are one too many", () => {
	const services = Array.from({ length: 33 }, (_, i) => `s${i} = ${i + 1}`);
	expect(read(`[services]\n${services.slice(1).join("\n")}`).services.length).toBe(32);
	expect(thrown("usage", () => read(`[services]\n${services.join("\n")}`)).message).toBe(
		"hivemind.toml, line 34: A hub shares at most 32 services.",
	);
});
