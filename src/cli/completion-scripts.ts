// Completion scripts for bash, zsh and fish, made from the same table that the command line is read by, so they cannot
// know other options than the program. Called by cli.ts; pure.
import type { ArgDef, ArgsDef } from "citty";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

export interface Completed {
	readonly program: string;
	/** Options that stand with every command, and before it. */
	readonly global: ArgsDef;
	readonly commands: Readonly<Record<string, { description: string; args: ArgsDef }>>;
}

/** The script: for `source`, or for the shell's directory of completions. */
export const completions = (shell: Shell, table: Completed): string => WRITERS[shell](table);

export const isShell = (name: string): name is Shell => (SHELLS as readonly string[]).includes(name);

// --- internal ---

interface Option {
	name: string;
	/** `--name` and the letters. */
	words: string[];
	description: string;
	takesValue: boolean;
	/** The values there are, if they are a fixed set. */
	values: readonly string[];
	hint: string;
}

/** What can stand in an argument's place; only the shells are a fixed set. */
const POSITIONAL_VALUES: Readonly<Record<string, readonly string[]>> = { shell: SHELLS };

const WRITERS: Record<Shell, (table: Completed) => string> = { bash, zsh, fish };

function bash({ program, global, commands }: Completed): string {
	const all = [...new Map(Object.values(commands).flatMap((one) => optionsOf(one.args).map((o) => [o.name, o])))];
	const valued = all.map(([, option]) => option).filter(({ takesValue }) => takesValue);
	const words = (args: ArgsDef) => optionsOf(args).flatMap((option) => option.words);
	return `# bash completion for ${program}: source <(${program} completions bash)
_${ident(program)}() {
	local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command='' words='' i
	COMPREPLY=()
	# bash makes '=' a word of its own.
	if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
	case $prev in
${valued.map(({ words, values }) => `\t${words.join(" | ")}) words='${values.join(" ")}' command=- ;;`).join("\n")}
	esac
	for ((i = 1; i < COMP_CWORD && \${#command} == 0; i++)); do
		case \${COMP_WORDS[i]} in
		${valued.flatMap((option) => option.words).join(" | ")})
			if [[ \${COMP_WORDS[i + 1]} == = ]]; then ((i++)); fi
			((i++))
			;;
		-*) ;;
		*) command=\${COMP_WORDS[i]} ;;
		esac
	done
	case $command:$cur in
	-:*) ;;
	:-*) words='${words(global).join(" ")}' ;;
	:*) words='${Object.keys(commands).join(" ")}' ;;
${Object.entries(commands)
	.flatMap(([name, { args }]) => [
		`\t${name}:-*) words='${words(args).join(" ")}' ;;`,
		...positionalsOf(args).flatMap(({ values }) =>
			values.length > 0 ? [`\t${name}:*) words='${values.join(" ")}' ;;`] : [],
		),
	])
	.join("\n")}
	esac
	local IFS=$' \\t\\n'
	# shellcheck disable=SC2207 # the words have no blanks, and macOS' bash 3.2 has no mapfile
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _${ident(program)} ${program}
`;
}

function zsh({ program, global, commands }: Completed): string {
	const specs = (args: ArgsDef) => optionsOf(args).flatMap(zshSpecs);
	const described = Object.entries(commands).map(([name, { description }]) => quoted(`${name}:${description}`));
	const cases = Object.entries(commands).map(([name, { args }]) => {
		const places = positionalsOf(args).map(({ name, values }, i) =>
			quoted(`${i + 1}:${name.toUpperCase()}:${values.length > 0 ? `(${values.join(" ")})` : " "}`),
		);
		return `\t\t${name}) _arguments -s ${[...specs(args), ...places].join(" \\\n\t\t\t")} ;;`;
	});
	return `#compdef ${program}
# zsh completion for ${program}: source <(${program} completions zsh), or as _${program} in a directory of $fpath
_${program}() {
	local curcontext=$curcontext state line
	typeset -A opt_args
	_arguments -C -s ${[...specs(global), "'1: :->command'", "'*:: :->arguments'"].join(" \\\n\t\t")} && return
	case $state in
	command)
		local commands=(${described.join(" ")})
		_describe command commands
		;;
	arguments)
		case $line[1] in
${cases.join("\n")}
		esac
		;;
	esac
}
if [[ $funcstack[1] == _${program} ]]; then _${program} "$@"; else compdef _${program} ${program}; fi
`;
}

function fish({ program, global, commands }: Completed): string {
	const names = Object.keys(commands).join(" ");
	const seen = (name: string) => `-n '__fish_seen_subcommand_from ${name}'`;
	const line = (condition: string, { words, description, takesValue, values }: Option) => {
		const flags = words.map((word) => (word.startsWith("--") ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`));
		const value = takesValue ? ["-x", ...(values.length > 0 ? [`-a '${values.join(" ")}'`] : [])] : [];
		return ["complete", "-c", program, condition, ...flags, ...value, "-d", fishQuoted(description)]
			.filter(Boolean)
			.join(" ");
	};
	const own = (args: ArgsDef) => optionsOf(args).filter(({ name }) => !Object.hasOwn(global, name));
	return `# fish completion for ${program}: ${program} completions fish | source
complete -c ${program} -f
${optionsOf(global)
	.map((option) => line("", option))
	.join("\n")}
${Object.entries(commands)
	.flatMap(([name, { description, args }]) => [
		`complete -c ${program} -n 'not __fish_seen_subcommand_from ${names}' -a ${name} -d ${fishQuoted(description)}`,
		...own(args).map((option) => line(seen(name), option)),
		...positionalsOf(args).flatMap(({ values }) =>
			values.length > 0 ? [`complete -c ${program} ${seen(name)} -a '${values.join(" ")}'`] : [],
		),
	])
	.join("\n")}
`;
}

function optionsOf(args: ArgsDef): Option[] {
	return Object.entries(args).flatMap(([name, definition]) => {
		if (definition.type === "positional") return [];
		return [
			{
				name,
				words: [`--${name}`, ...aliasesOf(definition).map((letter) => `-${letter}`)],
				description: definition.description ?? "",
				takesValue: definition.type !== "boolean",
				values: definition.type === "enum" ? (definition.options ?? []) : [],
				hint: definition.valueHint ?? name,
			},
		];
	});
}

const positionalsOf = (args: ArgsDef) =>
	Object.entries(args)
		.filter(([, { type }]) => type === "positional")
		.map(([name]) => ({ name, values: POSITIONAL_VALUES[name] ?? [] }));

const aliasesOf = (definition: ArgDef): string[] => ("alias" in definition ? [definition.alias ?? []].flat() : []);

const ident = (program: string) => program.replaceAll("-", "_");

/** For sh-like shells. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
const fishQuoted = (text: string) => `'${text.replace(/[\\']/g, "\\$&")}'`;

/** _arguments' form: --name=[description]:hint:(values). */
function zshSpecs({ words, description, takesValue, values, hint }: Option): string[] {
	const text = description.replace(/[\\[\]]/g, "\\$&");
	const value = takesValue ? `:${hint}:${values.length > 0 ? `(${values.join(" ")})` : " "}` : "";
	return words.map((word) => quoted(`${word}${takesValue && word.startsWith("--") ? "=" : ""}[${text}]${value}`));
}
