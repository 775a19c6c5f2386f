// The checks of `demo`: each service once, through the tunnel. They must not use a proxy from the environment, which
// could not reach this machine's ports: node:http and WebSocket use none, fetch would.

import { get as getHttp, type IncomingMessage } from "node:http";
import { formatAddress } from "../base/address.ts";
import { firstLine, HivemindError } from "../base/errors.ts";
import { print } from "../base/output.ts";
import { within } from "../base/timers.ts";
import type { LocalService } from "../peer/events.ts";
import { DEMO_CHECK_MS } from "./limits.ts";
import { DEMO_BYTES, demoByte } from "./services.ts";

/**
 * Checks all services at the peer's ports, and prints each result. `isDown` resolves when the peer knows which is down.
 * @throws HivemindError `check`
 */
export async function runChecks(services: readonly LocalService[], isDown: Promise<void>): Promise<void> {
	const [frontend, backend, websocket, mail, down] = services.map(({ local }) => formatAddress(local));
	print("\nThrough the tunnel:");
	await check("Frontend", `http://${frontend}`, async () => {
		const html = (await get(`http://${frontend}/`)).toString();
		if (!html.includes("<title>hivemind-p2p demo</title>")) throw new Error("the response is another page");
		return `a page of ${html.length} characters`;
	});
	await check("Backend", `http://${backend}`, async () => {
		const data = JSON.parse((await get(`http://${backend}/api/hello`)).toString()) as { message?: string };
		if (!data.message) throw new Error("the JSON has no message");
		return `"${data.message}"`;
	});
	await check("WebSocket", `ws://${websocket}`, () => echo(`ws://${websocket}/`, "hello through the tunnel"));
	await check("Mail", `http://${mail}`, async () => (await get(`http://${mail}/`)).toString().trim());
	await check("Database", `tcp://${down}`, async () => {
		await within(DEMO_CHECK_MS, isDown, () => new Error("the hub has not said that it is down"));
		return "down, as the hub has told the peer";
	});
	await check("8 MiB", `http://${backend}`, async () => {
		const bytes = await get(`http://${backend}/api/bytes`);
		if (bytes.length !== DEMO_BYTES || !bytes.every((byte, i) => byte === demoByte(i)))
			throw new Error("the bytes differ");
		return "every byte as it was sent";
	});
}

/** The time since `begun` (of `performance.now()`), as text for a column. */
export const since = (begun: number): string => `${(performance.now() - begun).toFixed(1).padStart(7)} ms`;

// --- internal ---

async function check(what: string, url: string, work: () => Promise<string>): Promise<void> {
	const begun = performance.now();
	try {
		const result = await work();
		print(`  ✓ ${what.padEnd(10)} ${url.padEnd(23)} ${since(begun)}   ${result}`);
	} catch (cause) {
		throw new HivemindError("check", `The demo's ${what} check at ${url} failed: ${firstLine(cause)}.`, { cause });
	}
}

/** The body of a response, within {@link DEMO_CHECK_MS}. */
async function get(url: string): Promise<Buffer> {
	const response = await new Promise<IncomingMessage>((resolve, reject) => {
		getHttp(url, { agent: false, signal: AbortSignal.timeout(DEMO_CHECK_MS) }, resolve).on("error", reject);
	});
	const pieces: Buffer[] = [];
	for await (const piece of response) pieces.push(piece as Buffer);
	return Buffer.concat(pieces);
}

function echo(url: string, words: string): Promise<string> {
	return new Promise((resolve, reject) => {
		const socket = new WebSocket(url);
		const timer = setTimeout(() => reject(new Error("no echo in time")), DEMO_CHECK_MS);
		const done = (settle: () => void) => {
			clearTimeout(timer);
			settle();
			socket.close();
		};
		socket.onopen = () => socket.send(words);
		socket.onmessage = ({ data }) =>
			done(() => (data === words ? resolve(`echo of "${words}"`) : reject(new Error("the echo differs"))));
		socket.onerror = () => done(() => reject(new Error("no connection")));
	});
}
