// The other programs that forward ports, for comparison: OpenSSH and dumbpipe.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, listening, type Program, quietProgram, startProgram } from "./programs.ts";
import { ONE_MACHINE, type Sides } from "./sides.ts";

/** An sshd with its own keys, and `ssh -L` to `servicePort` through it. */
export async function startSsh(
	servicePort: number,
	{ hub, peer, address }: Sides = ONE_MACHINE,
): Promise<{ sshd: Program; client: Program; port: number }> {
	if (!existsSync("/usr/sbin/sshd") || process.getuid?.() !== 0) throw new Error("ssh -L: no sshd here, or not root");
	mkdirSync("/run/sshd", { recursive: true });
	const dir = mkdtempSync(join(tmpdir(), "bench-ssh-"));
	for (const name of ["host", "user"]) {
		Bun.spawnSync(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(dir, name)]);
	}
	const port = freePort();
	const config = {
		Port: port,
		ListenAddress: address,
		HostKey: join(dir, "host"),
		AuthorizedKeysFile: join(dir, "user.pub"),
		StrictModes: "no",
		PermitRootLogin: "yes",
		UsePAM: "no",
		PidFile: "none",
	};
	const lines = Object.entries(config).map(([key, value]) => `${key} ${value}\n`);
	writeFileSync(join(dir, "config"), lines.join(""));
	const end = () => rmSync(dir, { recursive: true });
	const sshd = quietProgram([...hub, "/usr/sbin/sshd", "-D", "-f", join(dir, "config")], end);
	await listening(port, hub);
	const local = freePort();
	const options = "StrictHostKeyChecking=no UserKnownHostsFile=/dev/null ExitOnForwardFailure=yes LogLevel=QUIET";
	const quiet = options.split(" ").flatMap((option) => ["-o", option]);
	const forward = ["-L", `127.0.0.1:${local}:127.0.0.1:${servicePort}`];
	const client = quietProgram([
		...[...peer, "ssh", "-N", ...quiet, "-i", join(dir, "user"), "-p", `${port}`],
		...[...forward, `root@${address}`],
	]);
	await listening(local, peer);
	return { sshd, client, port: local };
}

/** Both sides of dumbpipe, which looks for a relay for some seconds before it is ready. */
export async function startDumbpipe(
	servicePort: number,
	{ hub, peer }: Sides,
): Promise<{ listen: Program; connect: Program; port: number }> {
	const executable = process.env.DUMBPIPE ?? Bun.which("dumbpipe");
	if (!executable || !existsSync(executable)) throw new Error("dumbpipe: neither on the PATH nor in DUMBPIPE");
	const from = [executable, "listen-tcp", "--host", `127.0.0.1:${servicePort}`];
	const listen = await startProgram([...hub, ...from], /connect-tcp (endpoint\w+)/, "stderr");
	const port = freePort();
	const to = [executable, "connect-tcp", "--addr", `127.0.0.1:${port}`, listen.match[1] as string];
	const connect = quietProgram([...peer, ...to]);
	await listening(port, peer);
	return { listen, connect, port };
}
