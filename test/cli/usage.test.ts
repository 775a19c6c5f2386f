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

const TABLE: [symptom: string, args: string[], message: RegExp][] = [
	["no command", ["--no-relay"], /No command given\. .*share, join, hubs, identity, mailbox, demo/],
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
	["an option of the demo", [...JOIN, "--once"], /'--once' belongs to 'share', 'demo', not to 'join'/],
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

	["nothing to share", ["share"], /'share' needs <FRONTEND> <BACKEND> <WEBSOCKET> <NAME>/],
	["only two services", ["share", "a:1", "b:2"], /'share' needs <WEBSOCKET> <NAME>/],
	["a hub without a name", SHARE.slice(0, 4), /'share' needs <NAME>/],
	["an extra argument for share", [...SHARE, "x", "y"], /'share' takes no further argument: 'x' 'y'/],
	["a peer without a name", ["join", "--ticket", "endpointaaaa"], /'join' needs <NAME>/],
	["an extra argument for join", [...JOIN, "x"], /'join' takes no further argument: 'x'/],
	["an extra argument for demo", ["demo", "x"], /'demo' takes no further argument: 'x'/],
	["an extra argument after --", [...JOIN, "--", "--no-relay"], /'join' takes no further argument: '--no-relay'/],
	["no ticket and no code", ["join", "my-peer"], /needs a ticket or a join code.*--join-code.*--ticket/],
	["an empty name", [...SHARE.slice(0, 4), " "], /The name is empty/],
	["a name with a line break", [...SHARE.slice(0, 4), "a\nb"], /The name contains control characters/],
	[
		"a name with an escape sequence",
		["join", "\x1b[31m", "--ticket", "endpointaaaa"],
		/The name contains control characters/,
	],
	["a name of 65 characters", [...SHARE.slice(0, 4), "x".repeat(65)], /The name is longer than 64 characters/],

	...NO_ADDRESSES.flatMap(([value, why]): [string, string[], RegExp][] => [
		[
			`the frontend at '${value}'`,
			["share", value, "b:2", "c:3", "my-hub"],
			new RegExp(`The frontend: '${RegExp.escape(value)}' ${why}`),
		],
		[`--ws-addr '${value}'`, [...JOIN, "--ws-addr", value], new RegExp(`--ws-addr: '${RegExp.escape(value)}' ${why}`)],
		[`--ipv4-addr '${value}'`, [...SHARE, "--ipv4-addr", value], new RegExp(`--ipv4-addr: .* ${why}`)],
	]),
	["a bad second service", ["share", "a:1", "b", "c:3", "my-hub"], /The backend: 'b' is not host:port/],
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
