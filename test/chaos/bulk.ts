// Downloads and uploads at the same time through the tunnel, and compares the hashes. Runs in a process of its own, on
// the peer's host. Usage: bun bulk.ts PORT BYTES. Prints `begun` when a tenth of each has moved, then `down exact` and
// `up exact`, or what is wrong with them.
import { hashOf, pieces } from "./data.ts";

const [port, size] = process.argv.slice(2);
const bytes = Number(size);
const url = `http://127.0.0.1:${port}`;
const expected = hashOf(bytes);
const moved = { down: 0, up: 0 };

await Promise.all([say("down", down), say("up", up)]);

async function say(way: string, run: () => Promise<string>): Promise<void> {
	try {
		const hash = await run();
		console.log(hash === expected ? `${way} exact` : `${way} has other bytes`);
	} catch (error) {
		console.log(`${way} failed: ${error}`);
	}
}

async function down(): Promise<string> {
	const hash = new Bun.CryptoHasher("sha256");
	const response = await fetch(`${url}/down?bytes=${bytes}`, { keepalive: false });
	for await (const chunk of response.body ?? []) {
		hash.update(chunk);
		count("down", chunk.length);
	}
	return hash.digest("hex");
}

async function up(): Promise<string> {
	async function* send() {
		for (const piece of pieces(bytes)) {
			count("up", piece.length);
			yield piece;
		}
	}
	const response = await fetch(`${url}/up`, { method: "POST", body: send(), keepalive: false });
	return await response.text();
}

function count(way: "down" | "up", length: number): void {
	const before = Math.min(moved.down, moved.up);
	moved[way] += length;
	const tenth = bytes / 10;
	if (before < tenth && Math.min(moved.down, moved.up) >= tenth) console.log("begun");
}
