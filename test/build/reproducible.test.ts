// Two builds in different directories make the same bytes, and a target that cannot be built is named while the others
// are built. The project is copied, its packages as hard links; test/run.ts has filled their cache.
import { afterAll, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { archiveName, hostTarget } from "../../build/targets.ts";
import { BUILT, GIVEN_ADDON, ROOT } from "../support/built.ts";
import { buildIn, copyProject, removeCopies } from "../support/project-copy.ts";

/** With the add-on that the executables under test were built with. */
const build = (place: string, args: string[]) => buildIn(place, [...args, ...GIVEN_ADDON.args]);

afterAll(removeCopies);

const ready = BUILT.some(({ name }) => name === hostTarget());
if (!ready)
	console.log("Skipped: reproducible builds, which need 'bun build.ts --all --archive' to run first, with a registry.");

test.skipIf(!ready)(
	"two builds of everything, in two directories, make the same bytes; what cannot be built is named",
	async () => {
		const [first, second] = [copyProject(), copyProject()];
		const all = await build(first, ["--all", "--archive"]);
		const missing = ["linux-arm64", "linux-arm64-musl", "windows-x64", "darwin-arm64", "linux-x64-musl", "linux-x64"];
		const failed = missing.filter((name) => !BUILT.some((built) => built.name === name));
		expect(all.status).toBe(failed.length > 0 ? 1 : 0);
		for (const name of failed)
			expect(all.stderr).toMatch(new RegExp(`^${name} +FAILED: .* has no hash in build/checksums`, "m"));
		for (const { name } of BUILT) expect(all.stdout).toMatch(new RegExp(`${archiveName(name)} +\\d+\\.\\d MB`));

		const host = await build(second, ["--target", hostTarget(), "--archive"]);
		expect(host).toMatchObject({ status: 0, stderr: "" });
		for (const { name } of BUILT) {
			if (name === hostTarget()) continue;
			// The host's archives show that packing is reproducible. Compressing all of them twice would cost a minute.
			expect(await buildIn(second, ["--target", name])).toMatchObject({ status: 0 });
		}
		const made = (place: string) => readdirSync(join(place, "dist"), { recursive: true, encoding: "utf8" });
		const common = made(second).filter((name) => made(first).includes(name) && name !== "SHA256SUMS");
		expect(common).toEqual(expect.arrayContaining([archiveName(hostTarget()), "install.sh"]));
		for (const { name, target } of BUILT) expect(common).toContain(join(name, target.executable));
		for (const name of common.filter((name) => /\.\w+$|hivemind-p2p$/.test(name))) {
			const same = readFileSync(join(first, "dist", name)).equals(readFileSync(join(second, "dist", name)));
			expect(same, name).toBe(true);
		}
		// And no path of the build is in it.
		for (const { name, target } of BUILT) {
			const executable = readFileSync(join(first, "dist", name, target.executable));
			for (const path of [first, ROOT, `${tmpdir()}/hivemind`]) expect(executable.includes(path), path).toBe(false);
		}
	},
	180_000,
);

test("an unknown target is a usage error that lists the targets", async () => {
	const { status, stderr } = await buildIn(ROOT, ["--target", "darwin-x64"]);
	expect(status).toBe(2);
	expect(stderr).toStartWith("build.ts: ");
	expect(stderr).toContain("there is no target 'darwin-x64': the targets are linux-x64, ");
	expect(existsSync(join(ROOT, "dist/darwin-x64"))).toBe(false);
});
