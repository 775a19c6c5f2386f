// The completion scripts in real shells: what each offers for the beginning of a command line.
import { describe, expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MAIN = join(import.meta.dir, "../../src/main.ts");

function program(args: string[]) {
	const ran = Bun.spawnSync([process.execPath, MAIN, ...args], { env: {}, stdin: "ignore" });
	return { status: ran.exitCode, stdout: ran.stdout.toString(), stderr: ran.stderr.toString() };
}

const COMMANDS = program(["--help"])
	.stdout.replace(/[\s\S]*COMMANDS\n/, "")
	.replace(/\n\n\S[\s\S]*/, "")
	.match(/^ +([a-z]+)(?= {2})/gm)
	?.map((name) => name.trim())
	.sort() as string[];
/** From the help, which citty makes from the same table. */
const JOIN = [...program(["join", "--help"]).stdout.matchAll(/(--[a-z0-9-]+)(?:=<\S+>)?(?= {2})/g)]
	.map(([, name = ""]) => name)
	.sort();

/** Command line up to the cursor → words that are offered. Long options only: shells differ in the letters they offer. */
const CASES: [line: string, offered: string[]][] = [
	["", COMMANDS],
	["jo", ["join"]],
	["ini", ["init"]],
	["init --", ["--force", "--help", "--verbose", "--version", "--yes"]],
	["share 3000 --conf", ["--config"]],
	["join --no-", ["--no-compress", "--no-config", "--no-reconnect", "--no-relay"]],
	["--no-relay jo", ["join"]],
	["--alpn hivemind jo", ["join"]],
	["--alpn ", ["federated-hivemind", "hivemind"]],
	["join me --alpn fed", ["federated-hivemind"]],
	["join --tic", ["--ticket"]],
	["join me --ticket x --fr", ["--frontend-addr"]],
	["share --tick", []],
	["demo --on", ["--once"]],
	["mailbox --on", []],
	["join --", JOIN],
	["join me --forc", ["--force-code"]],
	["--no-", ["--no-relay"]],
	["--alp", ["--alpn"]],
	["join --alp", ["--alpn"]],
	["mailbox --alp", []],
	["identity --no-", []],
	["completions --", ["--help", "--verbose", "--version"]],
	["completions ", ["bash", "fish", "zsh"]],
	["completions z", ["zsh"]],
	["help ", [...COMMANDS, "exit-statuses", "services"].sort()],
	["help exi", ["exit-statuses"]],
	["help sha", ["share"]],
	["share 3000 --nam", ["--name"]],
	["share web=3000 db=db.local:5432 --worm", ["--wormhole", "--wormhole-relay"]],
	["share 3000 8000 4000 my-hub --expi", ["--expires"]],
	["join my-peer 5-hamburger-endorse --nam", ["--name"]],
	["join --name x 5-hamburger-endorse --backen", ["--backend-addr"]],
	["join --sa", ["--save"]],
	["hubs ", ["remove"]],
	["--verbose hubs re", ["remove"]],
];

const words = (text: string) =>
	[...new Set(text.split("\n").map((line) => line.split(/\t/)[0]?.trim().replace(/=$/, "") ?? ""))]
		.filter((word) => /^(--[a-z]|[a-z])/.test(word))
		.sort();

async function shell(command: string[], script: string, env: Record<string, string>): Promise<string> {
	const child = Bun.spawn(command, {
		stdin: Buffer.from(script),
		stdout: "pipe",
		stderr: "pipe",
		env: { PATH: process.env.PATH ?? "", HOME: "/nonexistent", LC_ALL: "C.UTF-8", ...env },
		timeout: 30_000,
	});
	const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
	expect(stderr).toBe("");
	return stdout;
}

/** Asks a shell for its completions, one per line. */
const ASK: Record<string, (source: string, line: string) => Promise<string>> = {
	// Splits words as readline does, with '=' as a word of its own.
	bash: (source, line) =>
		shell(
			["bash", "--norc", "--noprofile", "-s"],
			`${source}
			COMP_WORDS=(hivemind-p2p ${line.replace(/=/g, " = ")}${/( |^)$/.test(line) ? " ''" : ""})
			COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
			_hivemind_p2p
			printf '%s\\n' "\${COMPREPLY[@]}"\n`,
			{},
		),
	fish: (source, line) =>
		shell(["fish", "--no-config"], `${source}\ncomplete -C 'hivemind-p2p ${line}'\n`, {
			XDG_CONFIG_HOME: "/nonexistent",
		}),
	// zsh completes only at a terminal; zpty is one. It takes only so much at once, so the script comes from a file.
	// compadd is watched instead of the screen.
	zsh: async (source, line) => {
		const file = join(tmpdir(), `hivemind-p2p-${crypto.randomUUID()}.zsh`);
		await Bun.write(file, source);
		const text = await shell(
			["zsh", "-f"],
			`zmodload zsh/zpty
			zpty z zsh -f -i
			zpty -w z ${quote(`PS1= PROMPT_EOL_MARK=; stty -echo; autoload -U compinit; compinit -D -u; source ${file}
zstyle ':completion:*' verbose no; zmodload zsh/zutil
compadd() { local -a hits; builtin compadd -O hits "$@"; printf 'OFFER %s\\n' $hits; builtin compadd "$@" }
finish() { zle complete-word; print -r "THE""END"; exit }
zle -N finish; bindkey '^I' finish; print READY"SET"`)}
			zpty -r z text '*READYSET*'
			zpty -w -n z ${quote(`hivemind-p2p ${line}\t`)}
			zpty -r z text '*THEEND*'
			print -r -- "$text"\n`,
			{},
		).finally(() => rm(file));
		return [...text.matchAll(/OFFER (\S+)/g)].map(([, word]) => word?.replace(/\r/g, "")).join("\n");
	},
};

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

for (const [name, ask] of Object.entries(ASK)) {
	const here = Bun.which(name) !== null;
	if (!here) console.log(`Skipped: completions of ${name}, which is not installed.`);
	describe.skipIf(!here)(name, () => {
		const { status, stdout: source, stderr } = program(["completions", name]);

		test("the script is printed, and the shell can parse it", async () => {
			expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
			const ran = Bun.spawnSync([name, "-n"], { stdin: Buffer.from(source), env: { HOME: "/nonexistent" } });
			expect({ status: ran.exitCode, stderr: ran.stderr.toString() }).toEqual({ status: 0, stderr: "" });
		});

		test.each(CASES)(
			"'%s' offers %p",
			async (line, offered) => {
				expect(words(await ask(source, line))).toEqual(offered);
			},
			30_000,
		);
	});
}

test.each(["bash", "fish"])("%s offers the word of a command only where it stands", async (name) => {
	if (Bun.which(name) === null) return;
	const { stdout: source } = program(["completions", name]);
	for (const line of ["hubs remove ", "hubs remove shop re", "completions bash "]) {
		expect(words((await ASK[name]?.(source, line)) ?? "")).toEqual([]);
	}
});

test.skipIf(!Bun.which("bash"))("bash completes a value after '='", async () => {
	const { stdout: source } = program(["completions", "bash"]);
	expect(words((await ASK.bash?.(source, "join --alpn=fed")) ?? "")).toEqual(["federated-hivemind"]);
	expect(words((await ASK.bash?.(source, "join --alpn=")) ?? "")).toEqual(["federated-hivemind", "hivemind"]);
	expect(words((await ASK.bash?.(source, "--alpn=hivemind jo")) ?? "")).toEqual(["join"]);
});

test.skipIf(!Bun.which("shellcheck"))("shellcheck accepts the script for bash", () => {
	const { stdout } = program(["completions", "bash"]);
	const ran = Bun.spawnSync(["shellcheck", "-s", "bash", "-"], { stdin: Buffer.from(stdout) });
	expect(ran.stdout.toString()).toBe("");
});

test("another shell is a usage error that names the supported ones", () => {
	expect(program(["completions", "nushell"])).toMatchObject({
		status: 2,
		stderr: "error: The argument of 'completions' must be one of bash, zsh, fish, not 'nushell'.\n",
	});
	expect(program(["completions"]).status).toBe(2);
	expect(program(["completions", "constructor"]).status).toBe(2);
});
