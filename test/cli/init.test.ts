// `init` with the real executable: what it finds on the machine, what it asks, and what it writes.
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { EXIT_STATUS } from "../../src/base/errors.ts";
import { listenersOn } from "../../src/base/port-owner.ts";
import { PROGRAM } from "../../src/base/version.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { readProject } from "../../src/cli/project-contents.ts";
import { run, start } from "../support/executable.ts";
import { available, expectError, scratch } from "./terminals.ts";

const LISTENING = join(import.meta.dir, "../support/listening.ts");
/** A network of its own, in which only these ports are in use. */
const alone = (...ports: number[]) => [
	...["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"],
	...[process.execPath, LISTENING, ports.join(",")],
];
const TERMINAL = ["sh", "-c", `exec script -qec "exec $(printf '%s ' "$0" "$@")" /dev/null`];

/** What our own parser reads from the file in a folder. */
const project = (folder: string) => {
	const text = readFileSync(join(folder, "hivemind.toml"), "utf8");
	return readProject({ path: "hivemind.toml", text }, COMMANDS);
};

test("without a terminal it wants --yes, and writes nothing", async () => {
	await using folder = await scratch({});
	expectError(
		await run(["init"], { cwd: folder.path }),
		"usage",
		/asks before it writes, .*no terminal.* Add --yes\.$/m,
	);
	expect(readdirSync(folder.path)).toEqual([]);
});

test("an existing file is replaced with --force only", async () => {
	await using folder = await scratch({ "hivemind.toml": "# mine" });
	const options = { cwd: folder.path };
	const text = () => readFileSync(join(folder.path, "hivemind.toml"), "utf8");
	for (const args of [["init"], ["init", "--yes"]]) {
		expectError(
			await run(args, options),
			"usage",
			/^error: hivemind\.toml exists already\. Add --force to replace it\.$/m,
		);
	}
	expect(text()).toBe("# mine");
	const forced = await run(["init", "--yes", "--force"], options);
	expect(forced.status).toBe(0);
	expect(forced.stdout).toMatch(/^Wrote hivemind\.toml/);
	expect(text()).not.toContain("# mine");
	expect(readdirSync(folder.path)).toEqual(["hivemind.toml"]);
});

describe.skipIf(process.platform !== "linux" || !available("network namespaces", [...alone(), "true"]))(
	"in a network of its own",
	() => {
		test("--yes writes all services that are found, and share takes them", async () => {
			await using folder = await scratch({});
			const wrapper = alone(3000, 5173, 5432, 8025, 45_123);
			const { status, stdout, stderr } = await run(["init", "--yes"], { cwd: folder.path, wrapper });
			expect({ status, stdout, stderr }).toEqual({
				status: 0,
				stdout: "Wrote hivemind.toml: web (3000), web-5173 (5173), mail (8025), db (5432).\n",
				stderr: "Next: hivemind-p2p share\n",
			});
			const path = join(folder.path, "hivemind.toml");
			expect(statSync(path).mode & 0o777).toBe(0o644 & ~process.umask());
			expect(readFileSync(path, "utf8")).toMatch(/^web = 3000 +# \S+$/m);
			expect(project(folder.path)).toMatchObject({
				name: basename(folder.path),
				services: ["web=3000", "web-5173=5173", "mail=8025", "db=5432"],
			});
			await using hub = start(["share", "--no-relay", "--ipv4-addr", "127.0.0.1:0"], { cwd: folder.path });
			await hub.line(/^Using hivemind\.toml: web \(127\.0\.0\.1:3000\), web-5173 .*, db \(127\.0\.0\.1:5432\)\.$/);
			await hub.line(/^Ticket: /);
		});

		test("with nothing there, --yes writes an example to fill in", async () => {
			await using folder = await scratch({});
			const finished = await run(["init", "-y"], { cwd: folder.path, wrapper: alone() });
			expect(finished).toEqual({
				status: 0,
				stdout: "Wrote hivemind.toml.\n",
				stderr: "Add your services to it, then run: hivemind-p2p share\n",
			});
			expect(project(folder.path).services).toEqual([]);
			expectError(
				await run(["share"], { cwd: folder.path }),
				"usage",
				/'share' needs a service\. hivemind\.toml has none: add some below \[services\]\./,
			);
		});

		describe.skipIf(!available("a terminal", ["script", "-qec", "true", "/dev/null"]))("on a terminal it asks:", () => {
			/** What is on the screen, and the folder afterwards, after these answers to its questions. */
			async function asked(ports: readonly number[], answers: readonly string[]) {
				const folder = await scratch({});
				await using program = start(["init"], { cwd: folder.path, wrapper: [...alone(...ports), ...TERMINAL] });
				await program.shows("] ");
				for (const [i, answer] of answers.entries()) {
					if (i > 0) await program.line(/^There is no/);
					program.type(answer);
				}
				const { status, stdout } = await program.exited;
				return { folder, status, screen: stdout.replaceAll("\r", "") };
			}

			test("Enter takes all of the list", async () => {
				const { folder, status, screen } = await asked([3000, 5432], ["\n"]);
				await using _ = folder;
				expect(status).toBe(0);
				expect(screen).toMatch(
					/^Services on this machine:\n\n {2}web {2}3000 {2}\S+ \(pid \d+\)\n {2}db {3}5432 {2}\S+ \(pid \d+\)\n\n/,
				);
				expect(screen).toContain("Wrote hivemind.toml: web (3000), db (5432).\n");
				expect(project(folder.path).services).toEqual(["web=3000", "db=5432"]);
			});

			test("names take those; a wrong one is asked about again", async () => {
				const { folder, status, screen } = await asked([3000, 8000, 5432], ["wbe\n", "db, WEB\n"]);
				await using _ = folder;
				expect(status).toBe(0);
				expect(screen).toContain("There is no 'wbe'. Did you mean 'web'?\n");
				expect(project(folder.path).services).toEqual(["web=3000", "db=5432"]);
			});

			test.each([
				["n", "n\n"],
				["Ctrl+D", "\x04"],
			])("%s writes nothing", async (_key, answer) => {
				const { folder, status, screen } = await asked([3000], [answer]);
				await using _ = folder;
				expect(status).toBe(0);
				expect(screen).toContain("Nothing was written.");
				expect(existsSync(join(folder.path, "hivemind.toml"))).toBe(false);
			});

			test("Ctrl+C writes nothing, either", async () => {
				const { folder, status } = await asked([3000], ["\x03"]);
				await using _ = folder;
				expect(status).toBe(0);
				expect(existsSync(join(folder.path, "hivemind.toml"))).toBe(false);
			});

			test("with nothing there it asks whether to write an example", async () => {
				const { folder, screen } = await asked([], ["y\n"]);
				await using _ = folder;
				expect(screen).toContain("None of the usual ports of a development stack is in use here.");
				expect(project(folder.path).services).toEqual([]);
			});
		});
	},
);

test.skipIf(process.platform !== "linux")(
	"the system calls the executable by its name, by which init knows its own",
	async () => {
		await using mailbox = start(["mailbox", "--listen", "127.0.0.1:0"]);
		const [, port] = await mailbox.line(/^Mailbox server for join codes: ws:\/\/127\.0\.0\.1:(\d+)/);
		expect(listenersOn(Number(port))?.map(({ program }) => program)).toEqual([PROGRAM]);
	},
);

test("a folder that may not be written to: status 16, with the reason", async () => {
	expectError(await run(["init", "--yes"], { cwd: "/proc" }), "file", /^error: hivemind\.toml cannot be written: /);
	expect(EXIT_STATUS.file.status).toBe(16);
});
