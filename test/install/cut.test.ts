// A download of install.sh that was cut: whatever part of it a shell gets, it does nothing. And what the script must
// never contain, as text.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Place, SCRIPT, SHELLS, TEMPLATE } from "../support/installer.ts";

/** Runs the beginnings of the script. Answers with what they left and asked for: [] when nothing. */
async function run(beginnings: readonly string[], shell: readonly string[]): Promise<string[]> {
	await using place = new Place();
	// Everything that could do something leaves a trace; nothing is asked of the real ones.
	for (const tool of ["curl", "wget", "mkdir", "mktemp", "rm", "mv", "tar", "chmod"]) {
		place.fake(tool, `echo "${tool}" >>'${place.home}/trace'; exit 1`);
	}
	const env = { HIVEMIND_P2P_TARGET: "linux-x64" };
	for (const script of beginnings) {
		const { stdout } = await place.run(["--dir", "/nowhere"], { shell, script, env });
		expect({ script: script.slice(-60), stdout }).toMatchObject({ stdout: "" });
	}
	return place.left();
}

const lines = SCRIPT.split("\n");
const byLine = lines.map((_, i) => lines.slice(0, i).join("\n"));
/** The last line is where something happens, so each of its bytes counts. */
const start = SCRIPT.lastIndexOf("\n", SCRIPT.length - 2) + 1;
const inLastLine = Array.from({ length: SCRIPT.length - 1 - start }, (_, i) => SCRIPT.slice(0, start + i));

describe.each(SHELLS.map((shell) => [shell]))("%p", (shell) => {
	test("does nothing with a script cut after any line, or anywhere in the last one", async () => {
		expect(lines.length).toBeGreaterThan(200);
		expect(inLastLine.length).toBeGreaterThan(10);
		expect(await run([...byLine.slice(0, -1), ...inLastLine], shell)).toEqual([]);
	}, 60_000);

	if (shell === SHELLS[0])
		test("nor with one cut anywhere else", async () => {
			// Every 41st byte: most of them are in the middle of a line.
			const elsewhere = Array.from({ length: Math.floor(start / 41) }, (_, i) => SCRIPT.slice(0, i * 41));
			expect(await run(elsewhere, shell)).toEqual([]);
		}, 60_000);

	test("does something with all of it (else the test above says nothing)", async () => {
		expect(await run([SCRIPT], shell)).toEqual(["trace"]);
	});
});

describe("the text", () => {
	test("has fewer than 250 lines, and its last one calls", () => {
		expect(lines.length - 1).toBeLessThan(250);
		expect(lines.at(-2)).toBe('{ main "$@"; }');
		expect(lines.at(-1)).toBe("");
	});

	test("has no eval, no sudo of its own, no prompt, no bash", () => {
		const code = SCRIPT.replace(/^\s*#.*$/gm, "");
		const command = /(?:^|[;&|({`]|\bthen|\belse|\bdo|!)\s*(eval|sudo|local|source|\.|select|declare|which|read)\b/gm;
		expect([...code.matchAll(command)].map(([, name]) => name)).toEqual([]);
		expect(code).not.toMatch(/\[\[|\becho -|<\(|&>/);
		// The one `read` reads SHA256SUMS.
		expect(code.match(/\bread\b/g)).toHaveLength(1);
		expect(code).toContain(`done <"$stage/SHA256SUMS"`);
	});

	for (const [tool, ...options] of [
		["shellcheck", "-s", "sh", "-o", "all"],
		["shfmt", "-d", "-ln", "posix"],
	] as const) {
		const here = Bun.which(tool) !== null;
		if (!here) console.log(`Skipped: ${tool} is not installed.`);
		test.skipIf(!here)(`${tool} has nothing to say`, () => {
			const ran = Bun.spawnSync([tool, ...options, TEMPLATE]);
			expect(ran.stdout.toString() + ran.stderr.toString()).toBe("");
			expect(ran.exitCode).toBe(0);
		});
	}

	test("each shellcheck exception has its reason", () => {
		for (const [, reason] of SCRIPT.matchAll(/# shellcheck disable=\S+(.*)/g)) expect(reason).toMatch(/# \S.{20}/);
	});
});

test("the repository's owner and name are package.json's, wherever they stand", async () => {
	const root = join(import.meta.dir, "../..");
	const { repository } = await Bun.file(join(root, "package.json")).json();
	const name = String(repository).replace("github:", "");
	expect(name).toMatch(/^[\w.-]+\/[\w.-]+$/);
	expect(await Bun.file(TEMPLATE).text()).not.toContain(name);
	for (const file of ["README.md", "RELEASING.md", "Dockerfile", ".github/workflows/release.yml"]) {
		const text = await Bun.file(join(root, file)).text();
		const named = [...text.matchAll(/(?:github\.com|ghcr\.io|--repo|-R)[/ ]([\w.-]+\/hivemind-p2p)\b/g)];
		for (const [whole, found] of named) expect(found, `${file}: ${whole}`).toBe(name);
	}
});
