// Which target install.sh detects, and what it says on platforms that have none. uname, getconf and sysctl are fakes; a
// system with musl is a chroot that contains only busybox.
import { describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { hostTarget, TARGETS } from "../../build/targets.ts";
import { Place, REPOSITORY, SCRIPT, serve, smallRelease } from "../support/installer.ts";

interface Machine {
	uname: [system: string, machine: string];
	/** What getconf prints; it fails for other names. */
	getconf?: Record<string, string>;
	translated?: string;
}

async function detect({ uname: [system, machine], getconf = {}, translated }: Machine) {
	await using place = new Place();
	place.fake("uname", `case $1 in -s) echo '${system}' ;; -m) echo '${machine}' ;; esac`);
	const answers = Object.entries(getconf).map(([name, value]) => `${name}) echo '${value}' ;;`);
	place.fake("getconf", `case $1 in ${answers.join(" ")} *) exit 1 ;; esac`);
	if (translated !== undefined) place.fake("sysctl", `[ "$2" = sysctl.proc_translated ] && echo ${translated}`);
	const ran = await place.run(["--dry-run"]);
	expect(place.left()).toEqual([]);
	return { ...ran, target: /^target: (.*)$/m.exec(ran.stdout)?.[1] };
}

const glibc = (version: string) => ({ LONG_BIT: "64", GNU_LIBC_VERSION: `glibc ${version}` });

test.each<[Machine, string]>([
	[{ uname: ["Linux", "x86_64"], getconf: glibc("2.34") }, "linux-x64"],
	[{ uname: ["Linux", "amd64"], getconf: glibc("2.36") }, "linux-x64"],
	[{ uname: ["Linux", "aarch64"], getconf: glibc("2.41.9000") }, "linux-arm64"],
	[{ uname: ["Darwin", "arm64"] }, "darwin-arm64"],
	[{ uname: ["Darwin", "x86_64"], translated: "1" }, "darwin-arm64"],
])("%p is %s", async (machine, target) => {
	expect(await detect(machine)).toMatchObject({ status: 0, stderr: "", target });
	expect(Object.keys(TARGETS)).toContain(target);
});

test.each<[Machine, RegExp]>([
	[{ uname: ["Linux", "x86_64"], getconf: glibc("2.33") }, /has glibc 2\.33; 2\.34 or newer is needed \(Debian 12/],
	[{ uname: ["Linux", "x86_64"], getconf: glibc("2.9") }, /has glibc 2\.9; 2\.34 or newer is needed/],
	[{ uname: ["Linux", "x86_64"], getconf: { LONG_BIT: "32" } }, /is a 32-bit system/],
	[{ uname: ["Linux", "armv7l"] }, /armv7l processors/],
	[{ uname: ["Linux", "riscv64"] }, /riscv64 processors/],
	[
		{ uname: ["Darwin", "x86_64"], translated: "0" },
		/Intel Macs: iroh, its network library, is not published for them/,
	],
	[{ uname: ["Darwin", "x86_64"] }, /Intel Macs/],
	[{ uname: ["FreeBSD", "amd64"] }, /no hivemind-p2p for FreeBSD/],
	[{ uname: ["MINGW64_NT-10.0-22631", "x86_64"] }, /unpack https:\S+\/hivemind-p2p-windows-x64\.zip/],
	[{ uname: ["MSYS_NT-10.0", "x86_64"] }, /windows-x64\.zip/],
	[{ uname: ["CYGWIN_NT-10.0", "x86_64"] }, /windows-x64\.zip/],
])("%p is refused, with the reason and an alternative", async (machine, reason) => {
	const { status, stderr } = await detect(machine);
	expect(status).toBe(3);
	expect(stderr).toMatch(reason);
	expect(stderr).toContain("Supported: Linux x64 and arm64 (glibc 2.34 or newer, or musl)");
	expect(stderr).toContain(`container image: https://github.com/${REPOSITORY}`);
});

test.skipIf(process.platform === "win32")("detects the same target for this machine as build.ts", async () => {
	await using place = new Place();
	const sysctl = Bun.which("sysctl");
	if (sysctl) symlinkSync(sysctl, join(place.bin, "sysctl"));
	const { stdout } = await place.run(["--dry-run"]);
	expect(stdout).toStartWith(`target: ${hostTarget()}\n`);
});

const chroots =
	process.platform === "linux" &&
	Bun.which("busybox") !== null &&
	Bun.spawnSync(["chroot", "/", "true"], { stderr: "ignore" }).exitCode === 0;
if (!chroots) console.log("Skipped: a system with musl, which needs busybox and permission to chroot.");

describe.skipIf(!chroots)("a system with musl and nothing but busybox", () => {
	/** Like Alpine: busybox's applets, a file with the name of musl's loader, no getconf. */
	function alpine(libraries: readonly string[]) {
		const path = mkdtempSync(join(tmpdir(), "hivemind-alpine-"));
		const busybox = Bun.which("busybox") as string;
		const needed = Bun.spawnSync(["ldd", busybox]).stdout.toString();
		for (const file of [busybox, ...(needed.match(/\/\S+/g) ?? [])]) {
			mkdirSync(join(path, dirname(file)), { recursive: true });
			cpSync(file, join(path, file), { dereference: true });
		}
		for (const folder of ["bin", "lib", "usr/lib", "root", "tmp", "dev"]) {
			mkdirSync(join(path, folder), { recursive: true });
		}
		writeFileSync(join(path, "dev/null"), "");
		for (const applet of "sh cat chmod gzip head id mkdir mktemp mv printf rm sha256sum tar uname wget".split(" ")) {
			rmSync(join(path, "bin", applet), { force: true });
			symlinkSync(busybox, join(path, "bin", applet));
		}
		writeFileSync(join(path, "lib/ld-musl-x86_64.so.1"), "");
		for (const library of libraries) writeFileSync(join(path, "usr/lib", library), "");
		writeFileSync(join(path, "install.sh"), SCRIPT);
		const run = async (args: string[]) => {
			const child = Bun.spawn([Bun.which("chroot") as string, path, "/bin/sh", "/install.sh", ...args], {
				env: { PATH: "/bin", HOME: "/root" },
				stdin: "ignore",
				stdout: "pipe",
				stderr: "pipe",
			});
			const [status, stdout, stderr] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
			return { status, stdout, stderr };
		};
		return { path, run, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
	}

	const target = process.arch === "arm64" ? "linux-arm64-musl" : "linux-x64-musl";

	test("busybox's sh, wget, tar and sha256sum are enough to install", async () => {
		await using server = serve(smallRelease("1.2.3", { target }));
		using system = alpine(["libstdc++.so.6", "libgcc_s.so.1"]);
		const ran = await system.run(["--base-url", server.url]);
		expect(ran).toMatchObject({ status: 0, stderr: "" });
		expect(existsSync(join(system.path, "root/.local/bin/hivemind-p2p"))).toBe(true);
	});

	test.each([
		[[], " libstdc++.so.6 libgcc_s.so.1"],
		[["libgcc_s.so.1"], " libstdc++.so.6"],
		[["libstdc++.so.6"], " libgcc_s.so.1"],
	])("with only the libraries %p, the missing ones are named, and how to get them", async (libraries, missing) => {
		using system = alpine(libraries);
		const ran = await system.run(["--base-url", "http://127.0.0.1:1"]);
		expect(ran.status).toBe(3);
		expect(ran.stderr).toContain(`Missing libraries:${missing}. On Alpine: apk add libstdc++ libgcc\n`);
	});
});
