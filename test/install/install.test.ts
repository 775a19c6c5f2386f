// install.sh when nothing goes wrong: every shell, every download program, what it prints and what it leaves behind.
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostTarget } from "../../build/targets.ts";
import { Place, program, REPOSITORY, SHELLS, serve, smallRelease } from "../support/installer.ts";

const target = hostTarget();
const DIST = join(import.meta.dir, "../../dist");
const built = existsSync(join(DIST, "SHA256SUMS")) && existsSync(join(DIST, `hivemind-p2p-${target}.tar.gz`));
if (!built) console.log("Skipped: install.sh with the real archive, which 'bun build.ts --archive' makes.");

const fetchers = ["curl", "wget"].filter((name) => Bun.which(name) !== null);

describe.skipIf(!built)("what build.ts made", () => {
	const files = () =>
		Object.fromEntries(
			["SHA256SUMS", `hivemind-p2p-${target}.tar.gz`].map((name) => [name, readFileSync(join(DIST, name))]),
		);

	test.each(fetchers)(
		"is installed with %s, works, and is not downloaded a second time",
		async (download) => {
			await using server = serve(files());
			await using place = new Place({ download });
			const first = await place.run(["--base-url", server.url]);
			expect(first.stderr).toBe("");
			expect(first).toMatchObject({ status: 0 });
			expect(place.left()).toEqual([".local", ".local/bin", ".local/bin/hivemind-p2p"]);
			const demo = Bun.spawn([place.program, "demo", "--once"], { stdout: "pipe", stderr: "ignore", env: {} });
			expect(await demo.stdout.text()).toContain("every byte as it was sent");

			const second = await place.run(["--base-url", server.url]);
			expect(second).toMatchObject({ status: 0, stderr: "" });
			expect(second.stdout).toContain("is already installed");
			expect(server.requests).toEqual(["SHA256SUMS", `hivemind-p2p-${target}.tar.gz`, "SHA256SUMS"]);
		},
		60_000,
	);

	test("dist/install.sh, which a release publishes, downloads from package.json's repository", async () => {
		const { repository } = await Bun.file(join(DIST, "../package.json")).json();
		const script = await Bun.file(join(DIST, "install.sh")).text();
		await using place = new Place();
		const { stdout } = await place.run(["--dry-run"], { script });
		const base = `https://github.com/${repository.replace("github:", "")}/releases/latest/download`;
		expect(stdout).toContain(`download: ${base}/hivemind-p2p-${target}.tar.gz\n`);
	});
});

describe.each(SHELLS.map((shell) => [shell]))("%p", (shell) => {
	test.each(fetchers)("installs with %s", async (download) => {
		await using server = serve(smallRelease("1.2.3"));
		await using place = new Place({ download });
		const ran = await place.run(["--base-url", server.url], { shell, env: { HIVEMIND_P2P_TARGET: "linux-x64" } });
		expect(ran).toMatchObject({ status: 0, stderr: "" });
		expect(ran.stdout).toContain(`hivemind-p2p 1.2.3: ${place.program}\n`);
		expect(statSync(place.program).mode & 0o777).toBe(0o755);
		expect(place.left()).toEqual([".local", ".local/bin", ".local/bin/hivemind-p2p"]);
	});

	test("upgrades, names the old and the new version, and removes", async () => {
		await using place = new Place();
		const env = { HIVEMIND_P2P_TARGET: "linux-x64" };
		for (const [version, said] of [
			["1.0.0", "hivemind-p2p 1.0.0: "],
			["1.0.1", "hivemind-p2p 1.0.0 -> 1.0.1: "],
		] as const) {
			await using server = serve(smallRelease(version));
			const { status, stdout } = await place.run(["--base-url", `${server.url}/`], { shell, env });
			expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining(said) });
		}
		const first = await place.run(["--uninstall"], { shell });
		expect(first).toEqual({ status: 0, stdout: `Removed ${place.program}\n`, stderr: "" });
		expect(place.left()).toEqual([".local", ".local/bin"]);
		const second = await place.run(["--uninstall"], { shell });
		expect(second).toEqual({ status: 0, stdout: `Nothing to remove: there is no ${place.program}\n`, stderr: "" });
	});
});

describe("the directory", () => {
	const env = { HIVEMIND_P2P_TARGET: "linux-x64" };

	test("--dir, HIVEMIND_P2P_INSTALL_DIR, XDG_BIN_HOME and ~/.local/bin, in this order", async () => {
		await using place = new Place();
		const ask = async (args: string[], more: Record<string, string>) =>
			(await place.run(["--dry-run", ...args], { env: { ...env, ...more } })).stdout.split("\n")[2];
		const all = { HIVEMIND_P2P_INSTALL_DIR: "/b", XDG_BIN_HOME: "/c" };
		expect(await ask(["--dir", "/a"], all)).toBe("install: /a/hivemind-p2p");
		expect(await ask([], all)).toBe("install: /b/hivemind-p2p");
		expect(await ask([], { XDG_BIN_HOME: "/c" })).toBe("install: /c/hivemind-p2p");
		expect(await ask([], {})).toBe(`install: ${place.program}`);
		expect(await ask(["--dir", "here/"], {})).toBe(`install: ${place.path}/here/hivemind-p2p`);
		expect(place.left()).toEqual([]);
	});

	test("may have a space and a quote in its name", async () => {
		await using server = serve(smallRelease("1.2.3"));
		await using place = new Place();
		const directory = join(place.home, "it's a place");
		const ran = await place.run(["--base-url", server.url, "--dir", directory], { env });
		expect(ran).toMatchObject({ status: 0, stderr: "" });
		expect(existsSync(join(directory, "hivemind-p2p"))).toBe(true);
	});

	test.each([
		["/usr/bin/fish", (dir: string) => `fish_add_path '${dir}'`],
		["/bin/zsh", (dir: string) => `echo 'export PATH="${dir}:$PATH"' >>~/.zshrc`],
		["/bin/bash", (dir: string) => `echo 'export PATH="${dir}:$PATH"' >>~/.bashrc`],
		["/bin/dash", (dir: string) => `export PATH="${dir}:$PATH"`],
		["", (dir: string) => `export PATH="${dir}:$PATH"`],
	])("not in PATH: the line to add for %p, and no file is touched", async (shell, line) => {
		await using server = serve(smallRelease("1.2.3"));
		await using place = new Place();
		const { stdout } = await place.run(["--base-url", server.url], { env: { ...env, SHELL: shell } });
		expect(stdout).toContain(`is not in PATH. To add it: ${line(place.directory)}\n`);
		expect(place.left()).toEqual([".local", ".local/bin", ".local/bin/hivemind-p2p"]);
	});

	test("in PATH: nothing about PATH; behind another copy: a warning that names that one", async () => {
		await using server = serve(smallRelease("1.2.3"));
		await using place = new Place();
		const PATH = `${place.bin}:${place.directory}`;
		const fine = await place.run(["--base-url", server.url], { env: { ...env, PATH } });
		expect(fine).toMatchObject({ status: 0, stderr: "" });
		expect(fine.stdout).not.toContain("PATH");
		place.fake("hivemind-p2p", "echo hivemind-p2p 0.1.0");
		const shadowed = await place.run(["--base-url", server.url, "--force"], { env: { ...env, PATH } });
		expect(shadowed.stderr).toContain(`Another hivemind-p2p comes first in PATH: ${place.bin}/hivemind-p2p`);
	});

	test("is added to GITHUB_PATH in GitHub Actions", async () => {
		await using server = serve(smallRelease("1.2.3"));
		await using place = new Place();
		const file = join(place.path, "github-path");
		await place.run(["--base-url", server.url], { env: { ...env, GITHUB_PATH: file } });
		expect(readFileSync(file, "utf8")).toBe(`${place.directory}\n`);
	});
});

describe("versions", () => {
	const env = { HIVEMIND_P2P_TARGET: "linux-x64" };
	const ARCHIVE = "hivemind-p2p-linux-x64.tar.gz";
	const releases = `https://github.com/${REPOSITORY}/releases`;

	test.each([
		[[], `${releases}/latest/download/${ARCHIVE}`],
		[["--version", "1.2.3"], `${releases}/download/v1.2.3/${ARCHIVE}`],
		[["--version", "v1.2.3"], `${releases}/download/v1.2.3/${ARCHIVE}`],
		[["--base-url", "https://mirror.example/x/"], `https://mirror.example/x/${ARCHIVE}`],
	])("%p comes from %s", async (args, url) => {
		await using place = new Place();
		const { stdout } = await place.run(["--dry-run", ...args], { env });
		expect(stdout).toBe(`target: linux-x64\ndownload: ${url}\ninstall: ${place.program}\n`);
	});

	test("the same version is there: says so without a download, even if its bytes differ; --force replaces it", async () => {
		await using server = serve(smallRelease("1.2.3"));
		await using place = new Place();
		mkdirSync(place.directory, { recursive: true });
		writeFileSync(place.program, `${program("1.2.3")}# patched\n`, { mode: 0o755 });
		const pinned = await place.run(["--base-url", server.url, "--version", "1.2.3"], { env });
		expect(pinned).toMatchObject({ status: 0, stdout: expect.stringContaining("1.2.3 is already installed") });
		expect(server.requests).toEqual([]);
		const latest = await place.run(["--base-url", server.url], { env });
		expect(latest).toMatchObject({ status: 0, stdout: expect.stringContaining("1.2.3 is already installed") });
		expect(readFileSync(place.program, "utf8")).toContain("patched");
		const forced = await place.run(["--base-url", server.url, "--force"], { env });
		expect(forced.status).toBe(0);
		expect(readFileSync(place.program, "utf8")).not.toContain("patched");
	});

	test("a broken old program is replaced", async () => {
		await using server = serve(smallRelease("1.2.3"));
		await using place = new Place();
		mkdirSync(place.directory, { recursive: true });
		writeFileSync(place.program, "\x7fELF rubbish");
		chmodSync(place.program, 0o755);
		const { status, stdout } = await place.run(["--base-url", server.url], { env });
		expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining("hivemind-p2p 1.2.3: ") });
	});
});

test("a running program can be replaced, and keeps running", async () => {
	await using place = new Place();
	mkdirSync(place.directory, { recursive: true });
	// A real executable: the kernel refuses to overwrite one that is running (ETXTBSY).
	writeFileSync(place.program, readFileSync(Bun.which("cat") as string), { mode: 0o755 });
	const running = Bun.spawn([place.program], { stdin: "pipe", stdout: "pipe" });
	await using server = serve(smallRelease("1.2.3"));
	const { status } = await place.run(["--base-url", server.url, "--force"], {
		env: { HIVEMIND_P2P_TARGET: "linux-x64" },
	});
	expect(status).toBe(0);
	expect(readFileSync(place.program)).toEqual(program("1.2.3"));
	running.stdin.write("still here");
	await running.stdin.end();
	expect(await running.stdout.text()).toBe("still here");
});

test("--quiet prints nothing unless something is wrong; --help explains every option and status, and does nothing", async () => {
	await using server = serve(smallRelease("1.2.3"));
	await using place = new Place();
	const help = await place.run(["--help"], { env: { HOME: "" } });
	expect(help).toMatchObject({ status: 0, stderr: "" });
	const text = readFileSync(join(import.meta.dir, "../../install.sh"), "utf8");
	for (const [option] of text.matchAll(/^\t\t(--[a-z-]+)(?=\)| \|)/gm)) expect(help.stdout).toContain(option.trim());
	for (const [, status] of text.matchAll(/\b(?:fail|unsupported)\b.*" (\d)$/gm))
		expect(help.stdout).toContain(`${status} `);
	expect(place.left()).toEqual([]);
	const quiet = await place.run(["--base-url", server.url, "--quiet"], { env: { HIVEMIND_P2P_TARGET: "linux-x64" } });
	expect(quiet).toEqual({ status: 0, stdout: "", stderr: "" });
});
