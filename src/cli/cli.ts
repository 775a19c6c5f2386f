// The command line: citty's tree of commands and help texts, and the step from strings to typed options.
// Called by main.ts; calls share, join and demo.
import { type ArgsDef, type CommandDef, type CommandMeta, renderUsage, runCommand } from "citty";
import { type Address, parseAddress } from "../base/address.ts";
import { EXIT_STATUS, HivemindError } from "../base/errors.ts";
import { print, setVerbosity, talk } from "../base/output.ts";
import { PROGRAM, VERSION } from "../base/version.ts";
import { demo } from "../demo/demo.ts";
import { hubReporter } from "../hub/reporter.ts";
import { runHub } from "../hub/run-hub.ts";
import { openIdentity } from "../invite/identity.ts";
import { peerReporter } from "../peer/reporter.ts";
import { runPeer } from "../peer/run-peer.ts";
import { NAME_MAX } from "../protocol/limits.ts";
import { SERVICES } from "../protocol/services.ts";
import { ALPN, type AlpnName } from "../protocol/stream-header.ts";
import type { EndpointOptions } from "../transport/endpoint.ts";
import { publicId } from "../transport/iroh.ts";
import { readIdentity, readPolicy } from "./access-options.ts";
import { completions, isShell, SHELLS } from "./completion-scripts.ts";
import { codeOptions, readInvitation } from "./invitation-options.ts";
import { mailbox } from "./mailbox.ts";
import { type CommandLine, readCommandLine } from "./parse-args.ts";

const RELAY = {
	"wormhole-relay": {
		type: "string",
		valueHint: "URL",
		description: "Mailbox server for join codes: ws, wss, http or https (default: the public one)",
	},
} as const satisfies ArgsDef;

const COMMON = {
	verbose: { type: "boolean", alias: "v", description: "Warnings on stderr; -vv info, -vvv debug, -vvvv trace" },
	help: { type: "boolean", alias: "h", description: "This help" },
	version: { type: "boolean", alias: "V", description: "The version" },
} as const satisfies ArgsDef;

const IDENTITY = {
	identity: {
		type: "string",
		valueHint: "FILE",
		description: "Keep the same public id across restarts; made when missing",
	},
} as const satisfies ArgsDef;

const ROTATE = {
	rotate: { type: "boolean", description: "A new secret for the identity: old tickets and codes die" },
} as const satisfies ArgsDef;

const GLOBAL = {
	alpn: {
		type: "enum",
		options: Object.keys(ALPN),
		description: "ALPN of the connection, the same on both sides (default: hivemind)",
	},
	"ipv4-addr": {
		type: "string",
		valueHint: "ADDR",
		description: "UDP address to bind, like 0.0.0.0:8080 (default: any, a free port)",
	},
	"ipv6-addr": {
		type: "string",
		valueHint: "ADDR",
		description: "UDP address to bind, like [::]:8080 (default: any, a free port)",
	},
	"no-relay": {
		type: "boolean",
		description: "Only direct connections: no relay, no discovery service; works offline",
	},
	"relay-url": {
		type: "string",
		valueHint: "URL",
		description: "Use this iroh relay instead of the public ones (repeatable)",
	},
	...COMMON,
} as const satisfies ArgsDef;

interface Context {
	line: CommandLine;
	stop: AbortSignal;
}

const commands: Record<string, CommandDef> = {
	share: {
		meta: { name: "share", description: "Make this machine the hub of three services" },
		args: {
			frontend: { type: "positional", description: "Address of the frontend, host:port" },
			backend: { type: "positional", description: "Address of the backend, host:port" },
			websocket: { type: "positional", description: "Address of the WebSocket service, host:port" },
			name: { type: "positional", description: "A name for this hub" },
			wormhole: { type: "boolean", description: "Offer join codes by Magic Wormhole, a new one for each peer" },
			"code-words": { type: "string", valueHint: "N", description: "Words of a join code, 2 to 8 (default: 2)" },
			qr: { type: "boolean", description: "Show each join command as a QR code, too" },
			...RELAY,
			...IDENTITY,
			...ROTATE,
			open: { type: "boolean", description: "No secret in the ticket: also peers of the original program come in" },
			allow: { type: "string", valueHint: "ID", description: "Admit only this public id (repeatable)" },
			"max-peers": { type: "string", valueHint: "N", description: "Peers at once (default: 32)" },
			once: { type: "boolean", description: "Admit one peer, and then nobody else" },
			expires: { type: "string", valueHint: "DURATION", description: "No new peer after this, like 45s, 30m, 2h, 1d" },
			...GLOBAL,
		},
		run: async ({ data }) => {
			const { line, stop } = data as Context;
			const name = readName(line.positionals[3]);
			const services = SERVICES.map((service, i) =>
				parseAddress(line.positionals[i] ?? "", `The ${service.name}`, false),
			);
			const codes = codeOptions(line);
			const endpoint = endpointOptions(line);
			const policyFor = readPolicy(line);
			const identity = readIdentity(line);
			const policy = policyFor(identity);
			if (identity && endpoint.relays === "none" && !endpoint.ipv4?.port && !endpoint.ipv6?.port)
				talk("Without a relay the ticket changes at each start, unless a UDP port is fixed: --ipv4-addr 0.0.0.0:4433.");
			const key = identity && { key: identity.key };
			const options = { name, services, policy, endpoint: { ...endpoint, ...key }, ...(codes && { codes }) };
			await runHub(options, hubReporter({ qr: codes?.qr ?? false }), stop);
			identity?.close();
		},
	},
	join: {
		meta: { name: "join", description: "Bring a hub's services to this machine's localhost" },
		args: {
			name: { type: "positional", description: "A name for this peer" },
			ticket: {
				type: "string",
				valueHint: "TICKET",
				description: "The hub's ticket; - reads it from standard input (or HIVEMIND_P2P_TICKET)",
			},
			"join-code": {
				type: "string",
				valueHint: "CODE",
				description: "The hub's join code; - reads it from standard input (or HIVEMIND_P2P_JOIN_CODE)",
			},
			timeout: {
				type: "string",
				valueHint: "SECONDS",
				description: "How long to wait for the hub of a code (default: 60)",
			},
			"no-reconnect": { type: "boolean", description: "End when the hub is lost, instead of looking for it again" },
			...IDENTITY,
			...RELAY,
			...Object.fromEntries(
				SERVICES.map(({ option, name, defaultAddress }) => [
					option,
					{
						type: "string",
						valueHint: "ADDR",
						description: `Local address of the ${name} (default: ${defaultAddress})`,
					} as const,
				]),
			),
			...GLOBAL,
		},
		run: async ({ data }) => {
			const { line, stop } = data as Context;
			const name = readName(line.positionals[0]);
			const addresses = SERVICES.map(({ option, defaultAddress }) =>
				parseAddress(text(line, option) ?? defaultAddress, `--${option}`),
			);
			const endpoint = endpointOptions(line);
			const identity = readIdentity(line);
			const key = identity && { key: identity.key };
			const invitation = await readInvitation(line, stop);
			const reconnect = !line.values.has("no-reconnect");
			const options = { name, addresses, reconnect, endpoint: { ...endpoint, ...key } };
			if (invitation) await runPeer({ ...options, invitation }, peerReporter(), stop);
			identity?.close();
		},
	},
	identity: {
		meta: { name: "identity", description: "Print the public id of an identity file; made when missing" },
		args: { file: { type: "positional", description: "The identity file" }, ...ROTATE, ...COMMON },
		run: async ({ data }) => {
			const { line } = data as Context;
			const rotate = line.values.has("rotate");
			const identity = openIdentity(line.positionals[0] ?? "", { rotate, peek: !rotate });
			print(await publicId(identity.key));
			if (rotate)
				talk("It has a new secret: old tickets and join codes are worthless. The next 'share' shows the new ticket.");
			identity.close();
		},
	},
	mailbox: {
		meta: { name: "mailbox", description: "Run a mailbox server for join codes, for a team or an offline machine" },
		args: {
			listen: { type: "string", valueHint: "ADDR", description: "TCP address (default: 127.0.0.1:4000)" },
			...COMMON,
		},
		run: ({ data }) => {
			const { line, stop } = data as Context;
			return mailbox(parseAddress(text(line, "listen") ?? "127.0.0.1:4000", "--listen"), stop);
		},
	},
	demo: {
		meta: { name: "demo", description: "Try everything on this machine alone, offline" },
		args: { once: { type: "boolean", description: "End after the checks" }, ...GLOBAL },
		run: ({ data }) => {
			const { line, stop } = data as Context;
			return demo({ once: line.values.has("once"), endpoint: endpointOptions(line, "none") }, stop);
		},
	},
	completions: {
		meta: { name: "completions", description: `Print a completion script for ${SHELLS.join(", ")}` },
		args: { shell: { type: "positional", description: SHELLS.join(", ") }, ...GLOBAL },
		run: ({ data }) => printCompletions((data as Context).line.positionals[0] ?? ""),
	},
};

const root: CommandDef = {
	meta: { name: PROGRAM, version: VERSION, description: "Peer-to-peer port forwarding for a development stack" },
	args: GLOBAL,
	subCommands: commands,
};

/** Runs one command line until it is done or `stop` is aborted. @throws HivemindError */
export async function run(argv: readonly string[], stop: AbortSignal): Promise<void> {
	const table = Object.fromEntries(Object.entries(commands).map(([name, { args }]) => [name, args as ArgsDef]));
	if (argv.length === 0) return help(undefined);
	const line = readCommandLine(argv, table, { repeatable: ["relay-url", "allow"], counted: ["verbose"] });
	if (line.values.has("help")) return help(line.command);
	if (line.values.has("version")) return print(`${PROGRAM} ${VERSION}`);
	const verbosity = line.values.get("verbose");
	setVerbosity(typeof verbosity === "number" ? verbosity : 0);
	const context: Context = { line, stop };
	// citty gets the arguments only: every option has been read and checked above.
	await runCommand(commands[line.command ?? ""] as CommandDef, { rawArgs: ["--", ...line.positionals], data: context });
}

// --- internal ---

async function help(command: string | undefined): Promise<void> {
	const usage =
		command === undefined ? await renderUsage(root) : await renderUsage(commands[command] as CommandDef, root);
	const statuses = Object.values(EXIT_STATUS).map(
		({ status, meaning }) => `  ${String(status).padStart(2)}  ${meaning}`,
	);
	const whole = `${usage.trimEnd()}\n\nEXIT STATUS\n\n${statuses.join("\n")}`.replace(/ +$/gm, "");
	// citty colours also what is piped.
	print(process.stdout.isTTY && !process.env.NO_COLOR ? whole : Bun.stripANSI(whole));
}

function printCompletions(shell: string): void {
	if (!isShell(shell)) throw new HivemindError("usage", `'completions' knows ${SHELLS.join(", ")}, not '${shell}'.`);
	const table = Object.entries(commands).map(([name, { meta, args }]) => {
		return [name, { description: (meta as CommandMeta).description ?? "", args: args as ArgsDef }] as const;
	});
	print(completions(shell, { program: PROGRAM, global: GLOBAL, commands: Object.fromEntries(table) }).trimEnd());
}

const text = (line: CommandLine, name: string): string | undefined => line.values.get(name) as string | undefined;

function readName(name = ""): string {
	if (name.trim() === "") throw new HivemindError("usage", "The name is empty.");
	if (/\p{C}/u.test(name)) throw new HivemindError("usage", "The name has control characters.");
	if (name.length > NAME_MAX) throw new HivemindError("usage", `The name is longer than ${NAME_MAX} characters.`);
	return name;
}

function endpointOptions(line: CommandLine, relays: "public" | "none" = "public"): EndpointOptions {
	const relayUrls = (line.values.get("relay-url") as string[] | undefined) ?? [];
	if (relayUrls.length > 0 && line.values.has("no-relay")) {
		throw new HivemindError("usage", "--relay-url and --no-relay exclude each other.");
	}
	for (const url of relayUrls) {
		if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
			throw new HivemindError("usage", `--relay-url: '${url}' is no http or https URL.`, {
				hint: "Write it like https://relay.example.org",
			});
		}
	}
	const ipv4 = udpAddress(line, "ipv4-addr", "4");
	const ipv6 = udpAddress(line, "ipv6-addr", "6");
	return {
		alpn: (text(line, "alpn") ?? "hivemind") as AlpnName,
		...(ipv4 && { ipv4 }),
		...(ipv6 && { ipv6 }),
		relays: relayUrls.length > 0 ? relayUrls : line.values.has("no-relay") ? "none" : relays,
	};
}

function udpAddress(line: CommandLine, option: string, family: "4" | "6"): Address | undefined {
	const value = text(line, option);
	if (value === undefined) return undefined;
	const address = parseAddress(value, `--${option}`);
	const host = address.host === "localhost" ? (family === "4" ? "127.0.0.1" : "::1") : address.host;
	const found = host.includes(":") ? "6" : /^[\d.]+$/.test(host) ? "4" : "none";
	if (found !== family) {
		throw new HivemindError("usage", `--${option}: '${value}' is no IPv${family} address.`, {
			hint: family === "4" ? "Write it like 0.0.0.0:8080" : "Write it like [::]:8080",
		});
	}
	return { host, port: address.port };
}
