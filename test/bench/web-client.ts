// The benchmark's web client, in a process of its own: `bun web-client.ts PORT keep|fresh|bulk|page PATH CONNECTIONS [MS]`
// prints what it measured as JSON.
import { HttpConnection } from "./http.ts";
import { namedBy } from "./pages.ts";

export interface Measured {
	requests: number;
	bytes: number;
	seconds: number;
	/** Milliseconds. */
	p50: number;
	p99: number;
}

const times: number[] = [];
let bytes = 0;

/** One request; counts it. */
async function timed(work: () => Promise<{ length: number }>): Promise<void> {
	const begun = performance.now();
	const { length } = await work();
	bytes += length;
	times.push(performance.now() - begun);
}

/** Requests on connections that stay open. */
async function keepAlive(port: number, path: string, connections: number, ms: number): Promise<void> {
	const all = await Promise.all(Array.from({ length: connections }, () => HttpConnection.open(port)));
	for (const connection of all) await connection.get(path);
	const end = performance.now() + ms;
	await Promise.all(
		all.map(async (connection) => {
			while (performance.now() < end) await timed(() => connection.get(path));
		}),
	);
}

/** A new connection for each request. */
async function fresh(port: number, path: string, workers: number, ms: number): Promise<void> {
	const end = performance.now() + ms;
	await Promise.all(
		Array.from({ length: workers }, async () => {
			while (performance.now() < end) {
				await timed(async () => {
					const connection = await HttpConnection.open(port);
					return connection.get(path, { close: true });
				});
			}
		}),
	);
}

/** The whole file once on each connection. */
async function bulk(port: number, path: string, connections: number): Promise<void> {
	await Promise.all(
		Array.from({ length: connections }, async () => {
			const connection = await HttpConnection.open(port);
			await timed(() => connection.get(path));
			connection.close();
		}),
	);
}

/** A page as a browser loads it: what a file names is known when it is there, and each connection takes the next one. */
async function page(port: number, path: string, connections: number): Promise<void> {
	const folder = path.slice(0, path.lastIndexOf("/") + 1);
	const queue = [path.slice(folder.length)];
	const seen = new Set(queue);
	let running = 0;
	const more: (() => void)[] = [];
	const worker = async () => {
		const connection = await HttpConnection.open(port);
		for (;;) {
			const name = queue.shift();
			if (name === undefined) {
				if (running === 0) break;
				await new Promise<void>((resolve) => more.push(resolve));
				continue;
			}
			running++;
			await timed(async () => {
				const answer = await connection.get(folder + name, { keep: true });
				for (const found of namedBy(answer.text)) {
					if (!seen.has(found)) queue.push(found);
					seen.add(found);
				}
				return answer;
			});
			running--;
			for (const wake of more.splice(0)) wake();
		}
		connection.close();
	};
	await Promise.all(Array.from({ length: connections }, worker));
}

if (import.meta.main) {
	const [port, kind, path = "", connections, ms] = process.argv.slice(2);
	const numbers = [Number(connections), Number(ms)] as const;
	const begun = performance.now();
	if (kind === "keep") await keepAlive(Number(port), path, ...numbers);
	else if (kind === "fresh") await fresh(Number(port), path, ...numbers);
	else if (kind === "bulk") await bulk(Number(port), path, numbers[0]);
	else await page(Number(port), path, numbers[0]);
	const seconds = (performance.now() - begun) / 1000;
	times.sort((a, b) => a - b);
	const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0;
	const measured: Measured = { requests: times.length, bytes, seconds, p50: at(0.5), p99: at(0.99) };
	console.log(JSON.stringify(measured));
	process.exit(0);
}
