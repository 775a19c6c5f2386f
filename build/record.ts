// Makes docs/recording.svg, the picture at the top of the README, from a real run: `bun build/record.ts`, on Linux as
// root. The two machines are network namespaces, so no packet leaves this one, and a mailbox server of our own has the
// public one's name. The picture differs from the run as follows: the hub was run with --no-relay, as there is no relay;
// lines with a ticket are cut short; there is no live panel; the title's box is as wide as its window; codes and
// addresses are coloured.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { HUB_ADDRESS, Network, namespacesRefused } from "../test/chaos/network.ts";
import { cellsOf, type Row, Screen, type Terminal, terminalSvg } from "./terminal-svg.ts";

const ROOT = join(import.meta.dir, "..");
const EXECUTABLE = join(ROOT, "dist/hivemind-p2p");
export const RECORDING = join(ROOT, "docs/recording.svg");

/** What the programs print at each stage; the picture must contain it. */
export const MILESTONES = {
	ticket: "Ticket: ",
	code: "Join code: ",
	connected: "connected to hub",
	stop: "Press Ctrl+C to stop.",
} as const;

export const DESCRIPTION =
	`Two terminals, recorded with hivemind-p2p ${manifest.version}. ` +
	"One shares three services and shows a join code; the other joins with it and reaches them on its own localhost.";

/** What is coloured: join codes and addresses. */
const MARKED = /\d+-[a-z]+-[a-z]+|(?:http|ws):\/\/\S+/;

const TYPING_MS = 38;
/** Time to read the output before the next command. */
const READING_MS = 1_600;

/** The host of the mailbox server that a hub uses unless it is told otherwise. */
const PUBLIC_MAILBOX = "relay.magic-wormhole.io";

/** Where our own one listens, behind TLS on port 443. */
const MAILBOX_PORT = 14400;

if (import.meta.main) {
	if (process.argv[2] === "services") startServices(process.argv[3] as string);
	else await Bun.write(RECORDING, await record());
}

// --- internal ---

async function record(): Promise<string> {
	const refused = namespacesRefused();
	if (refused) throw new Error(refused);
	if (!run([process.execPath, "build.ts"])) throw new Error("the executable cannot be built");
	const place = mkdtempSync(join(tmpdir(), "hivemind-recording-"));
	try {
		return await recordIn(place);
	} finally {
		rmSync(place, { recursive: true, force: true });
	}
}

async function recordIn(place: string): Promise<string> {
	const certificate = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"];
	const files = ["-keyout", `${place}/key.pem`, "-out", `${place}/certificate.pem`];
	const name = ["-subj", `/CN=${PUBLIC_MAILBOX}`, "-addext", `subjectAltName=DNS:${PUBLIC_MAILBOX}`];
	if (!run(["openssl", ...certificate, ...files, ...name])) throw new Error("openssl cannot make a certificate");
	await Bun.write(`${place}/hosts`, `127.0.0.1 localhost\n${HUB_ADDRESS} ${PUBLIC_MAILBOX}\n`);

	await using network = await Network.create();
	const begun = performance.now();
	const now = () => performance.now() - begun;
	const shells = { hub: new Screen(), peer: new Screen(), other: new Screen() };

	const start = (host: "hub" | "peer", command: string[], screen = new Screen()): Running => {
		const bind = ["unshare", "--mount", "sh", "-c", `mount --bind ${place}/hosts /etc/hosts && exec "$0" "$@"`];
		const decoder = new TextDecoder();
		const child = Bun.spawn([...network.at(host), ...bind, ...command], {
			env: {
				PATH: process.env.PATH ?? "",
				// A terminal that cannot move its cursor: the picture has no place for the live panel.
				TERM: "dumb",
				LC_ALL: "C.UTF-8",
				NODE_EXTRA_CA_CERTS: `${place}/certificate.pem`,
			},
			terminal: { data: (_terminal, bytes) => screen.print(decoder.decode(bytes, { stream: true }), now()) },
			timeout: 60_000,
			killSignal: "SIGKILL",
		});
		return {
			exited: child.exited,
			async line(text) {
				for (;;) {
					const found = screen.rows.findLast((row) => row.text.includes(text));
					if (found) return found.text;
					if (child.exitCode !== null) throw new Error(`${command.join(" ")} ended: ${JSON.stringify(screen.rows)}`);
					await Bun.sleep(10);
				}
			},
			async [Symbol.asyncDispose]() {
				child.kill("SIGTERM");
				await child.exited;
			},
		};
	};
	/** Types a command at a person's pace. */
	const type = async (screen: Screen, line: string) => {
		const ms = line.length * TYPING_MS;
		screen.type(`$ ${line}`, now(), ms);
		await Bun.sleep(ms);
	};

	await using services = start("hub", [process.execPath, import.meta.path, "services", place]);
	await services.line("ready");
	await using server = start("hub", [EXECUTABLE, "mailbox", "--listen", `${HUB_ADDRESS}:${MAILBOX_PORT}`]);
	await server.line("Mailbox server");

	const share = ["share", "3000", "8000", "4000", "my-hub", "--wormhole"];
	await type(shells.hub, `hivemind-p2p ${share.join(" ")}`);
	await using hub = start("hub", [EXECUTABLE, ...share, "--no-relay"], shells.hub);
	const code = MARKED.exec(await hub.line(MILESTONES.code))?.[0] as string;
	await Bun.sleep(READING_MS);

	const join = ["join", code, "my-peer"];
	await type(shells.peer, `hivemind-p2p ${join.join(" ")}`);
	await using peer = start("peer", [EXECUTABLE, ...join], shells.peer);
	await peer.line(MILESTONES.stop);
	await Bun.sleep(READING_MS);

	for (const url of ["http://127.0.0.1:3000", "http://127.0.0.1:8000/health"]) {
		await type(shells.other, `curl ${url}`);
		await using curl = start("peer", ["curl", "--silent", url], shells.other);
		await curl.exited;
		await Bun.sleep(READING_MS / 2);
	}
	await type(shells.other, "");
	// Copies: what the programs print when they are stopped is not part of the picture.
	return draw([
		{ title: "Your machine", column: 0, rows: [...shells.hub.rows] },
		{ title: "A colleague's machine", column: 1, rows: [...shells.peer.rows] },
		{ title: "Another tab", column: 1, rows: [...shells.other.rows] },
	]);
}

interface Running extends AsyncDisposable {
	exited: Promise<number>;
	/** The last line that contains this text, once there is one. */
	line(text: string): Promise<string>;
}

function draw(terminals: Terminal[]): string {
	const fitted = terminals.map((terminal) => {
		const column = terminals.filter((other) => other.column === terminal.column);
		const loose = column.map((one) => ({ ...one, rows: one.rows.filter(({ text }) => !/endpoint|[═║]/.test(text)) }));
		return { ...terminal, rows: terminal.rows.map((row) => ({ ...row, text: fit(row, cellsOf(loose)) })) };
	});
	return terminalSvg(fitted, MARKED, DESCRIPTION);
}

/** The text of a row, made to fit into a window of this many columns. */
function fit({ text }: Row, columns: number): string {
	const narrower = Bun.stringWidth(text) - columns;
	if (narrower <= 0) return text;
	if (/^[╔╚]/.test(text)) return text.replace("═".repeat(narrower), "");
	if (text.startsWith("║")) return text.replace(" ".repeat(narrower), "");
	return `${text.slice(0, columns - 1)}…`;
}

/** Starts the three services, and TLS in front of the mailbox server, as the public one has it. */
function startServices(place: string): void {
	const pages = {
		3000: () => new Response("<h1>Hello from the frontend</h1>\n"),
		8000: () => new Response(`{"status":"ok"}\n`),
		4000: () => new Response("WebSockets only\n", { status: 426 }),
	};
	for (const [port, fetch] of Object.entries(pages)) Bun.serve({ hostname: "127.0.0.1", port, fetch });
	const tls = { key: readFileSync(`${place}/key.pem`), cert: readFileSync(`${place}/certificate.pem`) };
	Bun.listen<{ mailbox: Promise<Bun.Socket<undefined>> }>({
		hostname: HUB_ADDRESS,
		port: 443,
		tls,
		socket: {
			open(client) {
				const mailbox = Bun.connect({
					hostname: HUB_ADDRESS,
					port: MAILBOX_PORT,
					socket: { data: (_, bytes) => void client.write(bytes), close: () => void client.end() },
				});
				client.data = { mailbox };
			},
			data: (client, bytes) => void client.data.mailbox.then((mailbox) => mailbox.write(bytes)),
			close: (client) => void client.data.mailbox.then((mailbox) => mailbox.end()),
		},
	});
	console.log("ready");
}

function run(command: string[]): boolean {
	const { success, stderr } = Bun.spawnSync(command, { cwd: ROOT, stdin: "ignore", stdout: "ignore", stderr: "pipe" });
	if (!success) console.error(stderr.toString().trim());
	return success;
}
