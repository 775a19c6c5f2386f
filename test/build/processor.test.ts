// The x64 build runs on processors without AVX2: here on qemu's Nehalem (2008, SSE4.2), if Debian's qemu-user-static is
// installed. Emulation is slow, so the program only has to become ready.
import { expect, test } from "bun:test";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { BUILT } from "../support/built.ts";

const built = BUILT.find(({ name }) => name === "linux-x64");
const qemu = Bun.which("qemu-x86_64-static");
if (!qemu) console.log("Skipped: an old processor, which needs Debian's qemu-user-static.");

const old = (args: string[]) => {
	const command = [qemu as string, "-cpu", "Nehalem", built?.executable as string, ...args];
	return Bun.spawn(command, {
		stdin: "ignore",
		stdout: "pipe",
		stderr: "pipe",
		env: {},
		timeout: 60_000,
		cwd: join("/"),
	});
};

test.skipIf(!qemu || !built)(
	"a processor without AVX2 can run it",
	async () => {
		const child = old(["--version"]);
		expect(await child.stdout.text()).toBe(`hivemind-p2p ${manifest.version}\n`);
		expect(await child.exited).toBe(0);
	},
	60_000,
);

test.skipIf(!qemu || !built)(
	"and there it loads the add-on, binds, and prints a ticket",
	async () => {
		const services = ["127.0.0.1:1", "127.0.0.1:1", "127.0.0.1:1"];
		const child = old(["share", ...services, "old", "--no-relay", "--ipv4-addr", "127.0.0.1:0"]);
		let stdout = "";
		for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
			stdout += chunk;
			if (/^Ticket: endpoint\S+\n/m.test(stdout)) child.kill("SIGTERM");
		}
		expect(stdout).toContain("Ticket: endpoint");
		expect(await child.exited).toBe(0);
	},
	60_000,
);
