// A peer that may open few files (`ulimit -n`): the real executable, with more local connections than it has descriptors.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Program } from "../support/executable.ts";
import { Puppet, type PuppetSocket } from "../support/puppet.ts";
import { type Hub, hub, peer } from "./terminals.ts";

/** 100 clock ticks are a second of the processor's time (proc(5), sysconf(_SC_CLK_TCK)). */
const TICK_MS = 10;

const FEW = ["sh", "-c", `ulimit -n 64; exec "$0" "$@"`];
const FULL =
	/^error: (\d+) file descriptors are in use, the limit is 64: no new local connections until some have ended\. Raise it with ulimit -n\.$/;
const ROOM = /^There is room for new local connections again\.$/;

let sharing: Hub;
let puppet: Puppet;
let service: { port: number; stop(all: boolean): void };

beforeAll(async () => {
	puppet = new Puppet();
	service = Bun.listen({
		hostname: "127.0.0.1",
		port: 0,
		socket: { data: (socket, bytes) => void socket.write(bytes) },
	});
	sharing = await hub([`127.0.0.1:${service.port}`]);
});

afterAll(async () => {
	await sharing[Symbol.asyncDispose]();
	service.stop(true);
	await puppet[Symbol.asyncDispose]();
});

/** Whether what the client says comes back; false when it was reset. */
async function works(client: PuppetSocket): Promise<boolean> {
	const { received } = await client.state();
	await client.write("hello").catch(() => {});
	return (await client.received(received + 5)).received === received + 5;
}

/** Milliseconds of the processor's time that the program has used. */
function used({ pid }: Program): number {
	const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
	return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

test.skipIf(process.platform !== "linux")(
	"descriptors run out: the peer says so once, is idle, keeps what it has, and goes on when there is room",
	async () => {
		await using joined = await peer(sharing.ticket, [], { wrapper: FEW });
		const { program, urls } = joined;
		const port = Number(new URL(urls.frontend).port);
		const clients: PuppetSocket[] = [];
		let reset = 0;
		while (clients.length + reset < 60) {
			const client = await puppet.connect(port).catch(() => undefined);
			if (client && (await works(client))) clients.push(client);
			else reset++;
		}
		expect(clients.length).toBeGreaterThan(15);
		expect(reset).toBeGreaterThan(0);
		const [, open] = await program.line(FULL);
		expect(Number(open)).toBeLessThan(64);
		// A program that tries to accept again and again uses all of a processor.
		const [before, since] = [used(program), performance.now()];
		await Bun.sleep(500);
		expect((used(program) - before) / (performance.now() - since)).toBeLessThan(0.5);
		for (const client of clients) expect(await works(client)).toBe(true);

		for (const client of clients.splice(0, 5)) await client.reset();
		await program.line(ROOM);
		const late = await puppet.connect(port);
		expect(await works(late)).toBe(true);
		const said = program.stderr.split("\n");
		expect(said.filter((line) => FULL.test(line))).toHaveLength(1);
		expect(said.filter((line) => ROOM.test(line))).toHaveLength(1);
		program.signal("SIGINT");
		expect((await program.exited).status).toBe(0);
	},
	30_000,
);
