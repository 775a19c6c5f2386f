// What the container image promises, tested without a container engine: the one file in a root that has only what
// distroless cc has, everything read-only, nothing else executable, uid 65532, no capabilities, PID 1 of a PID
// namespace. The mounts are in a namespace of each process and vanish with it.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { STATUS_ADDRESS } from "../../src/cli/status-options.ts";
import { startStatusServer } from "../../src/status/server.ts";
import { type Program, start } from "../support/executable.ts";
import { FakeSource, hubSnapshot, peerSnapshot } from "../support/status-source.ts";

/** `$0` is the executable. The root is a tmpfs with the C library, the executable, /proc and two devices. */
const CONTAINER = `set -eu
	root=/mnt
	mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs $root
	cd $root
	mkdir proc dev tmp
	for library in $(ldd "$0" | grep -o '/[^ ]*') $(ldconfig -p | sed -n 's/.*libgcc_s.so.1 (.*x86-64) => //p;s/.*libgcc_s.so.1 (.*AArch64) => //p'); do
		mkdir -p .\${library%/*}
		cp -L $library .$library
	done
	touch hivemind-p2p dev/null dev/urandom
	mount --bind "$0" hivemind-p2p
	mount -o remount,bind,ro,nosuid,nodev hivemind-p2p
	mount --bind /dev/null dev/null
	mount --bind /dev/urandom dev/urandom
	mount -t proc -o ro,nosuid,nodev,noexec proc proc
	mount -t tmpfs -o ro,nosuid,nodev,noexec tmpfs tmp
	mount -o remount,ro,nosuid,nodev $root
	if touch $root/a $root/tmp/a 2>/dev/null; then echo writable >&2; exit 99; fi
	exec setpriv --no-new-privs --bounding-set=-all,+sys_chroot,+setuid,+setgid \\
		chroot --userspec=65532:65532 --groups= $root /hivemind-p2p "$@"`;

const NAMESPACES = ["unshare", "--mount", "--pid", "--fork", "--kill-child"];
const wrapper = [...NAMESPACES, "sh", "-c", CONTAINER];

const tried =
	process.platform === "linux" ? Bun.spawnSync([...NAMESPACES, "setpriv", "--no-new-privs", "true"]) : undefined;
const allowed = tried?.exitCode === 0;
if (!allowed) console.log(`Skipped: the container; ${tried?.stderr.toString().trim() || "it needs Linux namespaces"}.`);

/** The pid of the one child of `unshare`, which is PID 1 inside. */
const inside = (program: Program) =>
	Number(readFileSync(`/proc/${program.pid}/task/${program.pid}/children`, "utf8").trim());

const status = (pid: number, field: string) =>
	new RegExp(`^${field}:\\s*(.*)$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];

const OFFLINE = ["--no-relay", "--ipv4-addr", "127.0.0.1:0"];

describe.skipIf(!allowed)("in a container", () => {
	test("share, join and a transfer work, and SIGTERM ends both cleanly", async () => {
		const payload = new Uint8Array(8 << 20).map((_, i) => (i * 31) % 251);
		await using service = serve(payload);
		const address = `127.0.0.1:${service.port}`;
		await using hub = start(["share", address, address, address, "box", ...OFFLINE], { wrapper, env: {} });
		const [, ticket = ""] = await hub.line(/^Ticket: (endpoint\S+)$/);
		const free = ["--frontend-addr", "--backend-addr", "--ws-addr"].flatMap((option) => [option, "127.0.0.1:0"]);
		await using peer = start(["join", "me", "--ticket", ticket, ...free, ...OFFLINE], { wrapper, env: {} });
		const [, url = ""] = await peer.line(/^ *backend +(http:\S+) /);

		for (const program of [hub, peer]) {
			const pid = inside(program);
			expect(status(pid, "NSpid")).toMatch(/\t1$/);
			expect(status(pid, "Uid")).toBe("65532\t65532\t65532\t65532");
			expect(status(pid, "CapEff")).toMatch(/^0+$/);
			expect(status(pid, "NoNewPrivs")).toBe("1");
			// Threads only: no child that could become a zombie, which PID 1 would have to reap.
			const children = readdirSync(`/proc/${pid}/task`).map((task) =>
				readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim(),
			);
			expect(children.filter(Boolean)).toEqual([]);
		}
		const got = await fetch(`${url}/`, { keepalive: false }).then((response) => response.bytes());
		expect(Buffer.from(got).equals(payload)).toBe(true);

		// As `docker stop` does. For PID 1, signals have no default action.
		process.kill(inside(peer), "SIGTERM");
		expect(await peer.exited).toMatchObject({ status: 0, stderr: "" });
		await hub.line(/^Peer .+ left/);
		process.kill(inside(hub), "SIGTERM");
		expect((await hub.exited).status).toBe(0);
	}, 60_000);

	describe("the health check of the Dockerfile", () => {
		/** Runs it with the image's environment, and with `env`. */
		const check = async (env: Record<string, string>) => {
			const dockerfile = await Bun.file(`${import.meta.dir}/../../Dockerfile`).text();
			const [, list = "[]"] = /^HEALTHCHECK .*\\\n\s*CMD (\[.*\])$/m.exec(dockerfile) ?? [];
			const [file, ...args] = JSON.parse(list) as string[];
			expect(file).toBe("/hivemind-p2p");
			const [, variable = "", address = ""] = /^ENV (\w+)=(.*)$/m.exec(dockerfile) ?? [];
			expect(address).toBe(STATUS_ADDRESS);
			expect(Object.keys(env)).toEqual([variable]);
			await using program = start(args, { wrapper, env });
			return await program.exited;
		};

		test("asks the hub or peer, and is silent when all is well", async () => {
			const source = new FakeSource(hubSnapshot());
			const server = startStatusServer({ address: { host: "127.0.0.1", port: 0 }, source });
			const env = { HIVEMIND_P2P_STATUS_ADDR: new URL(server.url).host };
			expect(await check(env)).toEqual({ status: 0, stdout: "", stderr: "" });
			source.state = peerSnapshot({ state: "lost" });
			const why = "Not healthy: the peer has lost its hub and is looking for it.\n";
			expect(await check(env)).toEqual({ status: 1, stdout: "", stderr: why });
			await server.stop();
			expect(await check(env)).toMatchObject({ status: 1, stdout: "" });
		});

		test("asks a mailbox server, where the variable leads to it", async () => {
			await using mailbox = start(["mailbox", "--listen", "127.0.0.1:0"], { wrapper, env: {} });
			const [, host = ""] = await mailbox.line(/^Mailbox server for join codes: ws:..(.+).v1$/);
			expect(await check({ HIVEMIND_P2P_STATUS_ADDR: host })).toEqual({ status: 0, stdout: "", stderr: "" });
			process.kill(inside(mailbox), "SIGTERM");
			expect((await mailbox.exited).status).toBe(0);
		});
	});
});

function serve(payload: Uint8Array<ArrayBuffer>) {
	const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response(payload) });
	return { port: server.port, [Symbol.asyncDispose]: () => server.stop(true) };
}
