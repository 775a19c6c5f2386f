// A team's machines: the shop's servers beside a hub, and peers on machines of their own. All are real programs, which
// end with the tests.
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { Process } from "../chaos/process.ts";
import { CHROMIUM } from "../support/browser.ts";
import { EXECUTABLE } from "../support/executable.ts";
import { type Machine, wiresRefused } from "./wire.ts";

const SHOP = join(import.meta.dir, "shop");
const PACKAGES = join(SHOP, "node_modules");

/** As many as a page of a grown project loads in development. */
export const MODULES = 300;

/** Why the shop cannot be started here; undefined if it can. */
export function shopRefused(): string | undefined {
	if (!Bun.which("node")) return "node is not installed";
	return existsSync(PACKAGES) ? wiresRefused() : `${PACKAGES} is missing: 'bun run stacks' installs it`;
}

export class Shop implements AsyncDisposable {
	/** A copy of the project, whose files can be edited. */
	readonly path: string;
	#servers: Process[] = [];
	#vite: Process | undefined;

	private constructor(path: string) {
		this.path = path;
	}

	/** On the ports 3000, 8000 and 4000 of this machine. */
	static async start(): Promise<Shop> {
		const shop = new Shop(mkdtempSync(join(tmpdir(), "stacks-shop-")));
		try {
			cpSync(SHOP, shop.path, { recursive: true, filter: (path) => path !== PACKAGES });
			const linked = Bun.spawnSync(["cp", "-al", PACKAGES, join(shop.path, "node_modules")]);
			if (linked.exitCode !== 0) cpSync(PACKAGES, join(shop.path, "node_modules"), { recursive: true });
			writeModules(join(shop.path, "src/modules"));
			for (const name of ["api", "socket"]) {
				const server = shop.#node(name, `${name}.mjs`);
				shop.#servers.push(server);
				await server.line(/^listening/);
			}
			await shop.startVite();
			return shop;
		} catch (error) {
			await shop[Symbol.asyncDispose]();
			throw error;
		}
	}

	async startVite(): Promise<void> {
		this.#vite = this.#node("vite", "node_modules/vite/bin/vite.js");
		await this.#vite.line(/ready in/);
	}

	async stopVite(): Promise<void> {
		this.#vite?.signal("SIGTERM");
		await this.#vite?.exited;
	}

	/** Changes the page's title, as an editor saves a file. */
	setTitle(title: string): void {
		const file = join(this.path, "src/title.jsx");
		writeFileSync(file, readFileSync(file, "utf8").replace(/<h1>.*<\/h1>/, `<h1>${title}</h1>`));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const server of [this.#vite, ...this.#servers]) await server?.[Symbol.asyncDispose]();
		rmSync(this.path, { recursive: true, force: true });
	}

	// --- internal ---

	#node(name: string, ...args: string[]): Process {
		return new Process(name, ["env", "-C", this.path], [Bun.which("node") as string, ...args]);
	}
}

export interface Hub extends AsyncDisposable {
	program: Process;
	ticket: string;
}

/** Shares services of this machine, for machines at every cable. */
export async function share(...args: string[]): Promise<Hub> {
	const program = new Process("hub", [], [EXECUTABLE, "share", ...args, "--no-relay", "--no-config"]);
	const [, ticket = ""] = await program.line(/^Ticket: (\S+)/);
	return { program, ticket, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

/** Joins from that machine, once everything is there. */
export async function joinFrom(machine: Machine, { ticket }: Hub, name: string): Promise<Process> {
	const joining = [EXECUTABLE, "join", name, "--ticket", ticket, "--strict", "--no-relay", "--no-config"];
	const program = new Process(name, machine.inside, joining);
	await program.line(/^Press Ctrl/);
	return program;
}

/** A Chromium on that machine. It must be closed, and its folder goes with the machine's. */
export async function browse(machine: Machine): Promise<Browser> {
	const folder = mkdtempSync(join(tmpdir(), "stacks-chromium-"));
	const executablePath = join(folder, "chromium");
	// Its pipe to us goes through, and so its network is all that is elsewhere.
	writeFileSync(executablePath, `#!/bin/sh\nexec ${machine.inside.join(" ")} ${CHROMIUM} "$@"\n`);
	chmodSync(executablePath, 0o755);
	const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
	browser.on("disconnected", () => rmSync(folder, { recursive: true, force: true }));
	return browser;
}

// --- internal ---

/** A tree in which each module imports two; `total` of the first is how many there are. */
function writeModules(directory: string): void {
	mkdirSync(directory);
	for (let i = 0; i < MODULES; i++) {
		const children = [2 * i + 1, 2 * i + 2].filter((child) => child < MODULES);
		const imports = children.map((child) => `import { total as total${child} } from "./${child}.js";\n`);
		const filler = Array.from({ length: 40 }, (_, n) => `// ${i}.${n}: what a module has besides its imports\n`);
		const sum = ["1", ...children.map((child) => `total${child}`)].join(" + ");
		writeFileSync(join(directory, `${i}.js`), `${imports.join("")}${filler.join("")}export const total = ${sum};\n`);
	}
}
