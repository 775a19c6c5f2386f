// A hub and a peer as programs, and what is around them: services to share, a browser's requests, scratch directories.
// Everything stays on loopback: OFFLINE is part of every command line.
import { expect } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT_STATUS } from "../../src/base/errors.ts";
import { type Finished, type Program, type RunOptions, start } from "../support/executable.ts";

export const OFFLINE = ["--no-relay", "--ipv4-addr", "127.0.0.1:0"] as const;

/** Nothing listens there: tcpmux has been out of use for decades. */
export const DOWN = "127.0.0.1:1";

export interface Hub extends AsyncDisposable {
	program: Program;
	ticket: string;
}

export interface Peer extends AsyncDisposable {
	program: Program;
	/** As printed. */
	urls: { frontend: string; backend: string; websocket: string };
}

/** `share`, once it has printed its ticket. Services that are not given are down. */
export async function hub(
	services: readonly string[],
	more: readonly string[] = [],
	options?: RunOptions,
): Promise<Hub> {
	const [frontend = DOWN, backend = DOWN, websocket = DOWN] = services;
	const program = start(["share", frontend, backend, websocket, "my-hub", ...OFFLINE, ...more], options);
	const [, ticket = ""] = await program.line(/^Ticket: (.+)$/);
	await program.line(/^ {2}hivemind-p2p join/);
	return { program, ticket, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

/** The arguments of a `join` on free ports. */
export const joining = (ticket: string, ...more: readonly string[]): string[] => [
	"join",
	"my-peer",
	"--ticket",
	ticket,
	...["--frontend-addr", "--backend-addr", "--ws-addr"].flatMap((option) =>
		more.includes(option) ? [] : [option, "127.0.0.1:0"],
	),
	...OFFLINE,
	...more,
];

/** `join`, once it says that it is ready. */
export async function peer(ticket: string, more: readonly string[] = [], options?: RunOptions): Promise<Peer> {
	const program = start(joining(ticket, ...more), options);
	await program.line(/^Press Ctrl\+C to stop\.$/);
	const urls = {
		frontend: await localUrl(program, "frontend"),
		backend: await localUrl(program, "backend"),
		websocket: await localUrl(program, "websocket"),
	};
	return { program, urls, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

/** The URL that a peer has printed for a service. */
export async function localUrl(program: Program, service: string): Promise<string> {
	return (await program.line(new RegExp(`^  ${service} +(\\S+) +(?:->|→) `)))[1] as string;
}

/** The ticket of a hub that has ended. */
export async function deadTicket(): Promise<string> {
	await using gone = await hub([]);
	gone.program.signal("SIGTERM");
	await gone.program.exited;
	return gone.ticket;
}

export interface Service extends AsyncDisposable {
	/** host:port, as `share` wants it. */
	address: string;
}

/** An HTTP service; WebSockets are echoed. */
export function serve(
	answer: (request: Request) => Response | Promise<Response>,
	{ hostname = "127.0.0.1", named = hostname }: { hostname?: string; named?: string } = {},
): Service {
	const server = Bun.serve({
		hostname,
		port: 0,
		fetch: (request, self) => (self.upgrade(request) ? undefined : answer(request)),
		websocket: { message: (socket, words) => void socket.send(words) },
		idleTimeout: 0,
	});
	const host = named.includes(":") ? `[${named}]` : named;
	return { address: `${host}:${server.port}`, [Symbol.asyncDispose]: () => server.stop(true) };
}

/** A request on a connection of its own. */
export async function get(url: string): Promise<string> {
	return (await fetch(url, { keepalive: false, headers: { Connection: "close" } })).text();
}

/** The echo of `words`, once the WebSocket is closed again. */
export function echo(url: string, words: string): Promise<string> {
	return new Promise((resolve, reject) => {
		const socket = new WebSocket(url);
		let answer = "";
		socket.onopen = () => socket.send(words);
		socket.onmessage = ({ data }) => {
			answer = String(data);
			socket.close();
		};
		socket.onclose = () => resolve(answer);
		socket.onerror = () => reject(new Error(`no WebSocket at ${url}`));
	});
}

/** stderr without the lines about waits: on a busy machine any wait may be long enough to be mentioned. */
export const withoutWaiting = (stderr: string): string => stderr.replace(/^Waiting for .* …\n/gm, "");

/** Expects that the program printed one line on stderr that says what is wrong, and nothing else. */
export function expectError(finished: Finished, code: keyof typeof EXIT_STATUS, message: RegExp): void {
	const stderr = withoutWaiting(finished.stderr);
	expect(stderr).toMatch(/^error: [^\n]+\n$/);
	expect(stderr).toMatch(message);
	expect(stderr).not.toMatch(/undefined|\[object|\n? {4}at |\.[cm]?[jt]s:\d/);
	expect(stderr.length).toBeLessThan(600);
	expect(finished.stdout).toBe("");
	expect(finished.status).toBe(EXIT_STATUS[code].status);
}

export interface Scratch extends AsyncDisposable {
	path: string;
}

export async function scratch(files: Record<string, string>): Promise<Scratch> {
	const path = await mkdtemp(join(tmpdir(), "hivemind-p2p-test-"));
	for (const [name, text] of Object.entries(files)) await Bun.write(join(path, name), text);
	return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** No file can be written, in memory or on disk, so the native add-on cannot be loaded. Pipes still work. */
export const WITHOUT_ADDON = ["sh", "-c", `trap '' XFSZ; ulimit -f 0; exec "$0" "$@"`] as const;

/** Whether a command works here; if not, prints why its tests are skipped. */
export function available(what: string, command: readonly string[]): boolean {
	let reason: string;
	try {
		const { success, stderr, exitCode } = Bun.spawnSync([...command], { stdout: "ignore", stderr: "pipe" });
		if (success) return true;
		reason = stderr.toString().trim().split("\n")[0] || `exit status ${exitCode}`;
	} catch (error) {
		reason = error instanceof Error ? error.message : String(error);
	}
	console.log(`skipped: ${what} (${command.join(" ")}: ${reason})`);
	return false;
}
