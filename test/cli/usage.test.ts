// Mistakes on the command line: each gives one line on stderr that says what is wrong, and status 2. Failures that only
// show when something is opened or connected are in failures.test.ts, tickets in ticket.test.ts.
import { test } from "bun:test";
import { run } from "../support/executable.ts";
import { expectError } from "./terminals.ts";

const SHARE = ["share", "localhost:3000", "localhost:8000", "localhost:4000", "my-hub"];
const JOIN = ["join", "my-peer", "--ticket", "endpointaaaa"];

/** Invalid addresses, and what is wrong with them. */
const NO_ADDRESSES: [value: string, why: string][] = [
	["localhost", "is not host:port"],
	["3000", "is not host:port"],
	[":3000", "has no host"],
	["localhost:", "has no port between 0 and 65535"],
	["localhost:http", "has no port between 0 and 65535"],
	["localhost:65536", "has no port between 0 and 65535"],
	["localhost:-1", "has no port between 0 and 65535"],
	["localhost:3000/", "has no port between 0 and 65535"],
	["localhost:0x50", "has no port between 0 and 65535"],
	["localhost: 80", "has no port between 0 and 65535"],
	["http://localhost:3000", "is not host:port"],
	["::1", "has no port \\(an IPv6 address goes in brackets\\)"],
	["::1:3000", "has no port \\(an IPv6 address goes in brackets\\)"],
	["[::1]", "is not host:port"],
	["[::g]:3000", "has no IPv6 address in its brackets"],
	["[127.0.0.1]:3000", "has no IPv6 address in its brackets"],
	["127.0.0:3000", "has an invalid IPv4 address"],
	["127.0.0.256:3000", "has an invalid IPv4 address"],
	["my host:3000", "has an invalid host name"],
	["host-:3000", "has an invalid host name"],
];

/** Of these, what is something else to `share`: a port, a service with a scheme, and no service at all. */
const SHARED = ["3000", "http://localhost:3000", "localhost"];

const TABLE: [symptom: string, args: string[], message: RegExp][] = [
	[
		"no command",
		["--no-relay"],
		/No command given\. .*share, join, init, hubs, identity, mailbox, status, doctor, demo/,
	],
	["a typing error in a command", ["shar"], /Unknown command 'shar'\. Did you mean 'share'\?/],
	["two letters swapped in a command", ["jion", "x"], /Unknown command 'jion'\. Did you mean 'join'\?/],
	["an unknown command that resembles no other", ["frobnicate"], /Unknown command 'frobnicate'\.$/m],
	["the name of an object's property as a command", ["constructor"], /Unknown command 'constructor'\.$/m],
	["an empty command", [""], /Unknown command ''\.$/m],

	["a typing error in an option", [...SHARE, "--no-rely"], /Unknown option '--no-rely'\. Did you mean '--no-relay'\?/],
	["a typing error in an option before the command", ["--no-rely", ...SHARE], /Did you mean '--no-relay'\?/],
	[
		"a typing error in an option with a value",
		["join", "p", "--tiket=x"],
		/Unknown option '--tiket'\. Did you mean '--ticket'/,
	],
	[
		"control characters in a value: still one line, and no effect on the terminal",
		[...SHARE, "--max-peers", "5\n\u001b[2J"],
		/^error: --max-peers: '5 \[2J' is not a number from 1 to 1000\.$/m,
	],
	["half an option's name", [...JOIN, "--front", "a:1"], /'--front'\. Did you mean '--frontend-addr'\?/],
	["an unknown option that resembles no other", [...JOIN, "--frobnicate"], /Unknown option '--frobnicate'\.$/m],
	["the name of an object's property as an option", [...SHARE, "--constructor"], /Unknown option '--constructor'/],
	["a letter that is not an option", [...SHARE, "-x"], /Unknown option '-x'/],
	["a letter that is not an option among flags", [...SHARE, "-vxv"], /Unknown option '-x'/],
	["an option of another command", [...SHARE, "--ticket", "x"], /'--ticket' belongs to 'join', not to 'share'/],
	["an option of the demo", [...JOIN, "--once"], /'--once' belongs to 'share' and 'demo', not to 'join'/],
	["a value for a flag", [...SHARE, "--no-relay=yes"], /'--no-relay' takes no value/],
	["an option given twice", [...JOIN, "--ticket", "endpointbbbb"], /'--ticket' is given twice/],
	["an option's value missing at the end", ["join", "my-peer", "--ticket"], /'--ticket' needs a value/],
	["an option's value missing before another", ["join", "p", "--ticket", "--no-relay"], /'--ticket' needs a value/],
	["an empty value", ["join", "p", "--ticket="], /'--ticket' needs a value/],
	[
		"an unknown ALPN",
		[...SHARE, "--alpn", "hivemnd"],
		/'--alpn' must be one of hivemind, federated-hivemind.*'hivemind'\?/,
	],
	["a relay with --no-relay", [...SHARE, "--no-relay", "--relay-url", "https://r.test"], /--relay-url and --no-relay/],
	["a relay that is not a URL", [...SHARE, "--relay-url", "relay"], /--relay-url: 'relay' is not an http or https URL/],
	["a relay of another scheme", [...SHARE, "--relay-url", "ftp://r.test"], /'ftp:\/\/r\.test' is not an http/],

	["nothing to share", ["share"], /'share' needs a service\. .*share 3000/],
	["a name, but nothing to share", ["share", "my-hub"], /'share' needs a service\. .*'hivemind-p2p init' writes/],
	["a machine, but no port", ["share", "localhost"], /If 'localhost' is the machine of one, write localhost:3000\./],
	["an extra argument for share", [...SHARE, "x"], /'my-hub' is not a service.* in quotes: "my-hub x"\./],
	["two names for a hub", [...SHARE, "--name", "x"], /There are two names: 'my-hub' and --name 'x'\. Give one/],
	["two names for a peer", [...JOIN, "--name", "x"], /There are two names: 'my-peer' and --name 'x'\. Give one/],
	["a peer without an invitation", ["join"], /'join' needs a ticket or a join code\. .*join 5-hamburger-endorse/],
	["an extra argument for join", [...JOIN, "x"], /'join' takes one name, not 2: 'my-peer' 'x'\. .*"my-peer x"/],
	["a name of two words", ["join", "my", "peer"], /'join' takes one name, not 2.* in quotes: "my peer"\./],
	["a code in three words", ["join", "5", "hamburger", "endorse"], /with hyphens: 5-hamburger-endorse\./],
	["two codes", ["join", "5-hamburger-endorse", "6-a-b"], /'join' takes one invitation, not two/],
	[
		"a code beside --ticket",
		[...JOIN, "5-a-b"],
		/takes one invitation, and --ticket already gives one\. .*--name NAME/,
	],
	["an alias that is not saved", ["join", "@work"], /No hub is saved as '@work'\./],
	["an extra argument for demo", ["demo", "x"], /'demo' takes no further argument: 'x'/],
	["an option without its hyphens", ["demo", "once"], /'demo' takes no further argument: 'once'\. .*'--once'\?/],
	["an extra argument after --", [...JOIN, "--", "--no-relay"], /'join' takes one name, not 2: 'my-peer' '--no-relay'/],
	["a code as a command", ["5-hamburger-endorse"], /Unknown command.* Did you mean 'join 5-hamburger-endorse'\?/],
	["a port as a command", ["3000"], /Unknown command '3000'\. Did you mean 'share 3000'\?/],
	[
		"an unknown topic",
		["help", "exit-status"],
		/must be one of share, .*not 'exit-status'.*Did you mean 'exit-statuses'\?/,
	],
	["a typing error in a shell", ["completions", "bsh"], /must be one of bash, zsh, fish, not 'bsh'\. .* 'bash'\?/],

	[
		"a fourth service without a name",
		["share", "3000", "8000", "4000", "5432"],
		/one service too many.*postgres=5432,/,
	],
	["a hub's name before the services", ["share", "my-hub", "3000"], /only the last argument can be the hub's name/],
	["a hub's name of two words", ["share", "3000", "my", "hub"], /'my' is not a service.* in quotes: "my hub"\./],
	["a service's name without an equals sign", ["share", "web", "3000", "my-hub"], /'web' is not.*web=3000\./],
	["spaces at an equals sign", ["share", "web=", "3000"], /'web' has no port\. Write web=3000, without a space/],
	["a service twice", ["share", "web=3000", "web=3001"], /Two services are called 'web'\./],
	["a service twice, once without a name", ["share", "3000", "frontend=3001"], /'frontend'\. Services without a name/],
	["an unknown scheme", ["share", "api=htp://localhost:1"], /'api': .*unknown scheme 'htp'\. Did you mean 'http'\?/],
	["a service's name in upper case", ["share", "Web=3000"], /'Web' is not a valid name for a service\..* web=3000\./],
	["port and name exchanged", ["share", "3000:frontend"], /has its name behind the port\. Write frontend=3000\./],
	["a service's URL with a path", ["share", "http://localhost:1/app"], /has a path.*Write http:\/\/localhost:1\./],
	["Docker's two ports", ["share", "8080:80"], /'8080:80' has two ports\. /],
	["commas", ["share", "3000,8000", "my-hub"], /'3000,8000' is not a port\. .*spaces between them: 3000 8000\./],
	["a port that is too high", ["share", "70000"], /The frontend: '70000' is not a port\. Ports go from 1 to 65535\./],
	["33 services", ["share", ...Array.from({ length: 33 }, (_, i) => `s${i}=1`)], /at most 32 services, not 33\./],
	["no ticket and no code", ["join", "my-peer"], /needs a ticket or a join code\. Add what the hub/],
	["an empty name", [...SHARE.slice(0, 4), " "], /The name is empty/],
	["a name with a line break", [...SHARE.slice(0, 4), "a\nb"], /The name contains control characters/],
	[
		"a name with an escape sequence",
		["join", "\x1b[31m", "--ticket", "endpointaaaa"],
		/The name contains control characters/,
	],
	["a name of 65 characters", [...SHARE.slice(0, 4), "x".repeat(65)], /The name is longer than 64 characters/],

	...NO_ADDRESSES.filter(([value]) => !SHARED.includes(value)).map(([value, why]): [string, string[], RegExp] => [
		`the frontend at '${value}'`,
		["share", value, "b:2", "c:3", "my-hub"],
		new RegExp(`The frontend: '${RegExp.escape(value)}' ${why}`),
	]),
	...NO_ADDRESSES.flatMap(([value, why]): [string, string[], RegExp][] => [
		[`--ws-addr '${value}'`, [...JOIN, "--ws-addr", value], new RegExp(`--ws-addr: '${RegExp.escape(value)}' ${why}`)],
		[`--ipv4-addr '${value}'`, [...SHARE, "--ipv4-addr", value], new RegExp(`--ipv4-addr: .* ${why}`)],
	]),
	["a --bind without a port", [...JOIN, "--bind", "db"], /--bind: 'db' is not NAME=PORT\. Write --bind db=5433/],
	["a --bind to no address", [...JOIN, "--bind", "db=x"], /--bind db: 'x' is not host:port/],
	["one service twice", [...JOIN, "--bind", "frontend=1", "--frontend-addr", "a:2"], /are for one service\. Give one/],
	[
		"one port for two services",
		[...JOIN, "--bind", "a=1", "--bind", "b=1"],
		/--bind a=1 and --bind b=1 are one address/,
	],
	["a name that no service has", [...JOIN, "--only", "web,,api"], /--only: '' is not the name of a service/],
	["a bad second service", ["share", "a:1", "b", "c:3", "my-hub"], /'b' is not a service, and only the last/],
	["a bad third service", ["share", "a:1", "b:2", "c:x", "my-hub"], /The websocket: 'c:x' has no port between/],
	["a service on port 0", ["share", "a:0", "b:2", "c:3", "my-hub"], /The frontend: 'a:0' has port 0/],
	["a bad UDP address for the demo", ["demo", "--once", "--ipv4-addr", "nonsense"], /--ipv4-addr: 'nonsense' is not/],
	["a bad relay for the demo", ["demo", "--once", "--relay-url", "nonsense"], /--relay-url: 'nonsense' is not an http/],
	["an IPv6 address for IPv4", [...SHARE, "--ipv4-addr", "[::1]:0"], /--ipv4-addr: '\[::1\]:0' is not an IPv4 address/],
	["an IPv4 address for IPv6", [...SHARE, "--ipv6-addr", "127.0.0.1:0"], /--ipv6-addr: '127.0.0.1:0' is not an IPv6/],
	["a name for the UDP address", [...SHARE, "--ipv4-addr", "my-host:0"], /--ipv4-addr: 'my-host:0' is not an IPv4/],
];

test.each(TABLE)("%s", async (_symptom, args, message) => {
	expectError(await run(args), "usage", message);
});
