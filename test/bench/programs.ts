// The benchmark's processes: started, waited for until they print what they should, and stopped by their own pid.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Program {
	pid: number;
	/** What its output matched. */
	match: RegExpExecArray;
	/** Milliseconds from the start to that output. */
	readyMs: number;
	stop(): Promise<void>;
}

/** Starts a program and waits until its output matches. */
export async function startProgram(command: string[], ready: RegExp): Promise<Program> {
	const begun = performance.now();
	const child = Bun.spawn(command, { stdout: "pipe", stderr: "ignore" });
	const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
	let text = "";
	for (;;) {
		const match = ready.exec(text);
		if (match) {
			const readyMs = performance.now() - begun;
			void (async () => {
				while (!(await reader.read()).done);
			})();
			return { pid: child.pid, match, readyMs, stop: () => stop(child) };
		}
		const { value, done } = await reader.read();
		if (done) throw new Error(`${command.join(" ")} ended without the expected output`);
		text += value;
	}
}

/** An sshd on loopback with its own keys, and `ssh -L` to `servicePort` through it. */
export async function startSsh(servicePort: number): Promise<{ sshd: Program; client: Program; port: number }> {
	if (!existsSync("/usr/sbin/sshd") || process.getuid?.() !== 0) throw new Error("no sshd here, or not root");
	mkdirSync("/run/sshd", { recursive: true });
	const dir = mkdtempSync(join(tmpdir(), "bench-ssh-"));
	for (const name of ["host", "user"]) {
		Bun.spawnSync(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(dir, name)]);
	}
	const port = freePort();
	const options = {
		Port: port,
		ListenAddress: "127.0.0.1",
		HostKey: join(dir, "host"),
		AuthorizedKeysFile: join(dir, "user.pub"),
		StrictModes: "no",
		PermitRootLogin: "yes",
		UsePAM: "no",
		PidFile: "none",
	};
	writeFileSync(
		join(dir, "config"),
		Object.entries(options)
			.map(([key, value]) => `${key} ${value}\n`)
			.join(""),
	);
	const sshd = Bun.spawn(["/usr/sbin/sshd", "-D", "-f", join(dir, "config")], { stdout: "ignore", stderr: "ignore" });
	await listening(port);
	const local = freePort();
	const quiet = [
		"StrictHostKeyChecking=no",
		"UserKnownHostsFile=/dev/null",
		"ExitOnForwardFailure=yes",
		"LogLevel=QUIET",
	];
	const client = Bun.spawn(
		[
			"ssh",
			"-N",
			...quiet.flatMap((option) => ["-o", option]),
			"-i",
			join(dir, "user"),
			"-p",
			`${port}`,
			"-L",
			`127.0.0.1:${local}:127.0.0.1:${servicePort}`,
			"root@127.0.0.1",
		],
		{ stdout: "ignore", stderr: "ignore" },
	);
	await listening(local);
	const program = (child: Bun.Subprocess, after = () => {}): Program => ({
		pid: child.pid,
		match: /$/.exec("") as RegExpExecArray,
		readyMs: 0,
		stop: async () => {
			await stop(child);
			after();
		},
	});
	return { sshd: program(sshd, () => rmSync(dir, { recursive: true })), client: program(client), port: local };
}

// --- internal ---

async function stop(child: Bun.Subprocess): Promise<void> {
	child.kill("SIGTERM");
	await child.exited;
}

function freePort(): number {
	const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
	server.stop(true);
	return server.port;
}

async function listening(port: number): Promise<void> {
	for (let i = 0; i < 100; i++) {
		try {
			(await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } })).terminate();
			return;
		} catch {
			await Bun.sleep(50);
		}
	}
	throw new Error(`nothing listens on port ${port}`);
}
