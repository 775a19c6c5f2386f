// install.sh cut short: whatever part of it a shell gets, it does nothing. And what its text must never contain.
import { describe, expect, test } from "bun:test";
import { Place, SCRIPT, SHELLS, TEMPLATE } from "../support/installer.ts";

/** Runs each beginning of the script. Returns the files that they left: none if they did nothing. */
async function run(beginnings: readonly string[], shell: readonly string[]): Promise<string[]> {
	await using place = new Place();
	// Every tool that could do something is a fake that leaves a trace.
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
/** Everything happens in the last line, so it is cut after each of its bytes. */
const start = SCRIPT.lastIndexOf("\n", SCRIPT.length - 2) + 1;
const inLastLine = Array.from({ length: SCRIPT.length - 1 - start }, (_, i) => SCRIPT.slice(0, start + i));

describe.each(SHELLS.map((shell) => [shell]))("%p", (shell) => {
	test("does nothing with a script cut after any line, or anywhere in the last one", async () => {
		expect(lines.length).toBeGreaterThan(200);
		expect(inLastLine.length).toBeGreaterThan(10);
		expect(await run([...byLine.slice(0, -1), ...inLastLine], shell)).toEqual([]);
	}, 60_000);

	if (shell === SHELLS[0])
		test("does nothing with a script cut anywhere else", async () => {
			// Every 41st byte: mostly in the middle of a line.
			const elsewhere = Array.from({ length: Math.floor(start / 41) }, (_, i) => SCRIPT.slice(0, i * 41));
			// And in the name of each function, whose beginning a shell takes for a command.
			const inNames = [...SCRIPT.matchAll(/^\w+(?=\(\))/gm)].flatMap(({ 0: name, index }) =>
				Array.from(name, (_, i) => SCRIPT.slice(0, index + i + 1)),
			);
			expect(inNames.length).toBeGreaterThan(50);
			expect(await run([...elsewhere, ...inNames], shell)).toEqual([]);
		}, 60_000);

	test("does something with all of it (otherwise the tests above prove nothing)", async () => {
		expect(await run([SCRIPT], shell)).toEqual(["trace"]);
	});
});

describe("the text", () => {
	test("has fewer than 300 lines, and the last one calls main", () => {
		expect(lines.length - 1).toBeLessThan(300);
		expect(lines.at(-2)).toBe('{ main "$@"; }');
		expect(lines.at(-1)).toBe("");
	});

	test("uses no eval, no sudo, no prompt and nothing that only bash has", () => {
		const code = SCRIPT.replace(/^\s*#.*$/gm, "");
		const command = /(?:^|[;&|({`]|\bthen|\belse|\bdo|!)\s*(eval|sudo|local|source|\.|select|declare|which|read)\b/gm;
		expect([...code.matchAll(command)].map(([, name]) => name)).toEqual([]);
		expect(code).not.toMatch(/\[\[|\becho -|<\(|&>/);
		// The two `read` read files.
		expect(code.match(/\bread\b/g)).toHaveLength(2);
		for (const file of ["SHA256SUMS", "headers"]) expect(code).toContain(`done <"$stage/${file}"`);
	});

	for (const [tool, ...options] of [
		["shellcheck", "-s", "sh", "-o", "all"],
		["shfmt", "-d", "-ln", "posix"],
	] as const) {
		const here = Bun.which(tool) !== null;
		if (!here) console.log(`Skipped: ${tool} is not installed.`);
		test.skipIf(!here)(`${tool} finds nothing`, () => {
			const ran = Bun.spawnSync([tool, ...options, TEMPLATE]);
			expect(ran.stdout.toString() + ran.stderr.toString()).toBe("");
			expect(ran.exitCode).toBe(0);
		});
	}

	test("each shellcheck exception has its reason", () => {
		for (const [, reason] of SCRIPT.matchAll(/# shellcheck disable=\S+(.*)/g)) expect(reason).toMatch(/# \S.{20}/);
	});
});
