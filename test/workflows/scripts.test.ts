// The scripts of the workflows, run with a registry on loopback and with what build.ts made: bun.sh, build.sh and try.sh.
import { describe, expect, test } from "bun:test";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tarGz } from "../../build/archive.ts";
import { MISSING } from "../../build/checksums.ts";
import { hostTarget } from "../../build/targets.ts";
import manifest from "../../package.json" with { type: "json" };
import { BUILT, DIST, ROOT } from "../support/built.ts";
import { Place, serve } from "../support/installer.ts";

describe("bun.sh", () => {
	const PACKAGE = "@oven/bun-linux-x64-baseline";
	const tarball = (says: string) =>
		tarGz(
			[
				{ name: "package/package.json", data: Buffer.from(JSON.stringify({ name: PACKAGE, version: "9.9.9" })) },
				{ name: "package/bin/bun", data: Buffer.from(`#!/bin/sh\necho ${says}\n`), executable: true },
			],
			0,
		);
	const sha512 = (data: Uint8Array) => `sha512-${new Bun.CryptoHasher("sha512").update(data).digest("base64")}`;
	const ready = ["npm", "openssl"].every((name) => Bun.which(name) !== null);
	if (!ready) console.log("Skipped: bun.sh, which needs npm and openssl.");

	/** Runs it where build/checksums has this hash, with a registry that has this package and says so. */
	async function run(hash: string, served: Uint8Array) {
		await using place = new Place();
		const registry: Bun.Server<undefined> = Bun.serve({
			port: 0,
			hostname: "127.0.0.1",
			fetch: (request): Response => {
				if (new URL(request.url).pathname.endsWith(".tgz")) return new Response(Buffer.from(served));
				const dist = { tarball: `${registry.url.href}${PACKAGE}/-/bun-9.9.9.tgz`, integrity: sha512(served) };
				const version = { name: PACKAGE, version: "9.9.9", dist };
				return Response.json({ name: PACKAGE, "dist-tags": { latest: "9.9.9" }, versions: { "9.9.9": version } });
			},
		});
		const script = join(place.path, ".github/scripts/bun.sh");
		cpSync(join(ROOT, ".github/scripts/bun.sh"), script);
		await Bun.write(join(place.path, "package.json"), '{\n\t"packageManager": "bun@9.9.9",\n}\n');
		await Bun.write(join(place.path, "build/checksums"), `# comment\n${PACKAGE}@9.9.9 ${hash}\n`);
		const env = { PATH: process.env.PATH ?? "", HOME: place.home, TMPDIR: place.path };
		const child = Bun.spawn(["sh", script], {
			env: { ...env, npm_config_registry: registry.url.href },
			stdout: "pipe",
			stderr: "pipe",
		});
		const [status, stdout, stderr] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
		const said = status === 0 ? Bun.spawnSync([stdout.trim()]).stdout.toString() : undefined;
		await registry.stop(true);
		return { status, said, stdout, stderr };
	}

	test.skipIf(!ready)("prints the path of the Bun whose package has the hash of build/checksums", async () => {
		const good = tarball("good");
		expect(await run(sha512(good), good)).toMatchObject({ status: 0, said: "good\n", stderr: "" });
	});

	test.skipIf(!ready)("refuses a package that the registry has replaced, or one without a hash", async () => {
		for (const hash of [sha512(tarball("good")), MISSING]) {
			const { status, stdout, stderr } = await run(hash, tarball("evil"));
			expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
			expect(stderr).toContain(`has the hash ${sha512(tarball("evil"))}, but build/checksums has '${hash}'`);
		}
	});
});

test.skipIf(!Bun.which("shellcheck"))("shellcheck finds nothing in the scripts", () => {
	for (const name of readdirSync(join(ROOT, ".github/scripts"))) {
		expect(Bun.spawnSync(["shellcheck", "-s", "sh", join(ROOT, ".github/scripts", name)]).stdout.toString()).toBe("");
	}
});

test("build.sh prints the checksums of what it built as outputs, and fails with the build", async () => {
	await using place = new Place();
	for (const name of ["build.sh", "bun.sh"]) {
		cpSync(join(ROOT, ".github/scripts", name), join(place.path, ".github/scripts", name));
	}
	const sums = "sums\n";
	await Bun.write(join(place.path, ".github/scripts/bun.sh"), `echo '${place.path}/bun'`);
	const bun = (end: string) => `#!/bin/sh
		case $* in
		"build.ts --all --archive") mkdir -p dist && printf '${sums.trim()}\\n' >dist/SHA256SUMS; echo chatter; ${end} ;;
		"build.ts --formula") echo formula ;;
		"build/release.ts notes v1.2.3") echo notes ;;
		esac`;
	const run = async (end: string, ...args: string[]) => {
		writeFileSync(join(place.path, "bun"), bun(end), { mode: 0o755 });
		const ran = Bun.spawnSync(["sh", join(place.path, ".github/scripts/build.sh"), ...args]);
		return { status: ran.exitCode, stdout: ran.stdout.toString() };
	};
	const hash = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("hex");
	const both = `sums=${hash(sums)}\nformula=${hash("formula\n")}\n`;
	expect(await run("exit 0")).toEqual({ status: 0, stdout: both });
	expect(await run("exit 0", "v1.2.3")).toEqual({ status: 0, stdout: `${both}notes=${hash("notes\n")}\n` });
	expect(await run("exit 1", "v1.2.3")).toEqual({ status: 1, stdout: "" });
});

describe("try.sh", () => {
	const script = join(ROOT, ".github/scripts/try.sh");
	const built = BUILT.find(({ name }) => name === hostTarget());
	const files = () =>
		Object.fromEntries(
			["install.sh", "SHA256SUMS", `hivemind-p2p-${hostTarget()}.tar.gz`].map((name) => [
				name,
				readFileSync(join(DIST, name)),
			]),
		);

	test.skipIf(!built)(
		"installs, tries and removes what build.ts made; fails for another version",
		async () => {
			await using server = serve(files());
			await using place = new Place();
			const run = async (version: string) => {
				const child = Bun.spawn(["sh", script, server.url, version], {
					env: { PATH: process.env.PATH ?? "", HOME: place.home },
					stdout: "pipe",
					stderr: "pipe",
				});
				const [status, stdout, stderr] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
				return { status, stdout, stderr };
			};
			const fine = await run(manifest.version);
			expect(fine).toMatchObject({ status: 0, stdout: expect.stringContaining("every byte as it was sent") });
			expect(place.left()).toEqual([]);
			const other = await run("0.0.1");
			expect(other).toMatchObject({ status: 1, stderr: expect.stringContaining("not 0.0.1") });
		},
		60_000,
	);
});
