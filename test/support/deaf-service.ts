// A service of another process that can be frozen with its queue full: then a SYN gets no answer (Linux drops it), as
// from a host that is gone. Counts the connections that it sees once it goes on.
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";

const PROGRAM = `
const server = require("node:net").createServer((socket) => {
	process.stdout.write("+");
	socket.on("error", () => process.stdout.write("!")).on("end", () => socket.end()).resume();
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => process.stdout.write(server.address().port + "\\n"));
`;

type Child = Bun.Subprocess<"ignore", "pipe", "inherit">;

export class DeafService implements AsyncDisposable {
	readonly port: number;
	#child: Child;
	/** What it has printed since its port: "+" for a connection, "!" for one that was reset. */
	#seen = "";
	#changed = Promise.withResolvers<void>();
	#fillers: Socket[] = [];

	private constructor(child: Child, port: number, output: AsyncIterator<Uint8Array>) {
		this.#child = child;
		this.port = port;
		void this.#read(output);
	}

	static async start(): Promise<DeafService> {
		const child = Bun.spawn(["node", "-e", PROGRAM], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
		const output = child.stdout[Symbol.asyncIterator]();
		const first = await output.next();
		return new DeafService(child, Number(Buffer.from(first.value as Uint8Array).toString()), output);
	}

	/** Freezes it, and fills its queue; resolves when the next SYN will get no answer. */
	async freeze(): Promise<void> {
		this.#child.kill("SIGSTOP");
		while (this.pending() === 0) {
			const filler = connect({ host: "127.0.0.1", port: this.port });
			filler.on("error", () => {});
			this.#fillers.push(filler);
			await Bun.sleep(5);
		}
		this.#fillers.pop()?.destroy();
	}

	/** Connects of this machine to it that have not been answered (SYN_SENT in the system's table). */
	pending(): number {
		const port = this.port.toString(16).toUpperCase().padStart(4, "0");
		const rows = readFileSync("/proc/self/net/tcp", "utf8").split("\n");
		return rows.filter((row) => row.trim().split(/\s+/)[2]?.endsWith(`:${port}`) && / 02 /.test(row)).length;
	}

	/**
	 * Lets it go on, and ends what filled its queue. Resolves with what it saw besides: so many connections at least, and
	 * everything until a last one that comes afterwards has ended.
	 */
	async thaw(expected = 0): Promise<string> {
		this.#child.kill("SIGCONT");
		for (const filler of this.#fillers) filler.end();
		const before = this.#fillers.length;
		while (this.#seen.split("+").length - 1 < before + expected) await this.#changed.promise;
		const last = connect({ host: "127.0.0.1", port: this.port });
		last.end();
		await new Promise((resolve) => last.resume().once("close", resolve));
		return this.#seen.slice(before, -1);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const filler of this.#fillers) filler.destroy();
		this.#child.kill("SIGKILL");
		await this.#child.exited;
	}

	async #read(output: AsyncIterator<Uint8Array>): Promise<void> {
		for (;;) {
			const { value, done } = await output.next();
			if (done) return;
			this.#seen += Buffer.from(value).toString();
			this.#changed.resolve();
			this.#changed = Promise.withResolvers();
		}
	}
}
