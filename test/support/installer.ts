// Runs install.sh as a user would, with a PATH that has only chosen programs, against a local HTTP server. A small
// release (with a shell script as the program) replaces the real one where its size would only cost time; both are
// packed by build/archive.ts.
import {
	chmodSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checksums, type Member, tarGz } from "../../build/archive.ts";
import { installer } from "../../build/formula.ts";

const ROOT = join(import.meta.dir, "../..");
export const TEMPLATE = join(ROOT, "install.sh");
export const REPOSITORY = "some-owner/some-name";
export const SCRIPT = installer(await Bun.file(TEMPLATE).text(), { version: "0.0.0", repository: REPOSITORY });

/** The programs that install.sh uses. Each test adds a download program. */
const TOOLS = "cat chmod getconf gzip head id mkdir mktemp mv printf rm sha256sum tar uname".split(" ");

/** The shells that are installed here, each as the start of a command. */
export const SHELLS: readonly (readonly string[])[] = [
	["dash"],
	["busybox", "sh"],
	["bash", "--posix"],
	["mksh"],
	["sh"],
].filter(([program = ""]) => Bun.which(program) !== null);

export type Files = Record<string, Uint8Array | string>;

/** A release for one target, whose program is a shell script. `members` are further members of the archive. */
export function smallRelease(version: string, { target = "linux-x64", members = [] as Member[] } = {}): Files {
	const name = `hivemind-p2p-${target}.tar.gz`;
	const archive = tarGz([{ name: "hivemind-p2p", data: program(version), executable: true }, ...members], 0);
	const sums = checksums([
		{ name, data: archive },
		{ name: `${target}/hivemind-p2p`, data: program(version) },
	]);
	return { [name]: archive, SHA256SUMS: sums };
}

export const program = (version: string) => Buffer.from(`#!/bin/sh\necho "hivemind-p2p ${version}"\n`);

/** Serves files by their path, without the leading slash. `requests` are the paths that were asked for. */
export function serve(files: Files) {
	const requests: string[] = [];
	const server = Bun.serve({
		port: 0,
		hostname: "127.0.0.1",
		fetch: (request) => {
			const path = new URL(request.url).pathname.slice(1);
			requests.push(path);
			const body = Object.hasOwn(files, path) ? files[path] : undefined;
			return body === undefined
				? new Response("not here", { status: 404 })
				: new Response(typeof body === "string" ? body : Buffer.from(body));
		},
	});
	return { url: `http://127.0.0.1:${server.port}`, requests, [Symbol.asyncDispose]: () => server.stop(true) };
}

/** Announces a whole file but sends only half of it, then hangs up. */
export function serveCut(files: Files, path: string) {
	const server = Bun.listen({
		port: 0,
		hostname: "127.0.0.1",
		socket: {
			data(socket, data) {
				const wanted = /^GET \/(\S*)/.exec(data.toString("latin1"))?.[1] ?? "";
				const body = Buffer.from(files[wanted] ?? "");
				const sent = wanted === path ? body.subarray(0, body.length >> 1) : body;
				socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`);
				socket.write(sent);
				socket.end();
			},
		},
	});
	return { url: `http://127.0.0.1:${server.port}`, [Symbol.asyncDispose]: async () => server.stop(true) };
}

export interface Ran {
	status: number;
	stdout: string;
	stderr: string;
}

/** A home directory and a PATH of its own; removed on disposal. */
export class Place implements AsyncDisposable {
	readonly path = mkdtempSync(join(tmpdir(), "hivemind-install-"));
	readonly home = join(this.path, "home");
	readonly bin = join(this.path, "bin");
	/** Where install.sh puts the program by default. */
	readonly directory = join(this.home, ".local/bin");
	readonly program = join(this.directory, "hivemind-p2p");

	constructor({ download = "curl", without = [] as string[] } = {}) {
		chmodSync(this.path, 0o755);
		mkdirSync(this.home);
		mkdirSync(this.bin);
		for (const tool of [...TOOLS, download]) {
			const found = Bun.which(tool);
			if (found && !without.includes(tool)) symlinkSync(found, join(this.bin, tool));
		}
	}

	/** Puts a program into PATH, instead of the system's if there is one. */
	fake(name: string, script: string): void {
		rmSync(join(this.bin, name), { force: true });
		writeFileSync(join(this.bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
	}

	async run(
		args: readonly string[],
		{ shell = ["sh"], env = {}, script = SCRIPT, wrapper = [] }: RunOptions = {},
	): Promise<Ran> {
		const [interpreter = "sh", ...rest] = shell;
		const child = Bun.spawn([...wrapper, Bun.which(interpreter) as string, ...rest, "-s", "--", ...args], {
			stdin: Buffer.from(script),
			stdout: "pipe",
			stderr: "pipe",
			cwd: this.path,
			env: { PATH: this.bin, HOME: this.home, SHELL: "/bin/bash", LC_ALL: "C", ...env },
			timeout: 60_000,
			killSignal: "SIGKILL",
		});
		const [status, stdout, stderr] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
		return { status, stdout, stderr };
	}

	/** Everything under the home directory, sorted: what install.sh has left there. */
	left(): string[] {
		return existsSync(this.home) ? readdirSync(this.home, { recursive: true, encoding: "utf8" }).sort() : [];
	}

	async [Symbol.asyncDispose](): Promise<void> {
		rmSync(this.path, { recursive: true, force: true });
	}
}

interface RunOptions {
	shell?: readonly string[];
	env?: Record<string, string>;
	script?: string;
	/** A command in front of the shell. */
	wrapper?: readonly string[];
}
