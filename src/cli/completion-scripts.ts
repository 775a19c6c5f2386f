// Completion scripts for bash, zsh and fish, made from the table that the command line is parsed with, so that they
// offer exactly the options that exist. Pure.
import type { CommandTable, Definitions } from "./definition.ts";
import { describe } from "./describe.ts";
import { GENERAL } from "./options.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

/** The script: for `source`, or for the shell's directory of completions. */
export const completionScript = (shell: Shell, program: string, table: CommandTable): string =>
	WRITERS[shell](program, table);

// --- internal ---

interface Option {
	name: string;
	/** `--name` and the letters. */
	words: string[];
	description: string;
	takesValue: boolean;
	/** The possible values, if they are a fixed set. */
	values: readonly string[];
	hint: string;
}

const WRITERS: Record<Shell, (program: string, table: CommandTable) => string> = { bash, zsh, fish };

function bash(program: string, commands: CommandTable): string {
	const all = new Map(Object.values(commands).flatMap(({ args }) => optionsOf(args).map((one) => [one.name, one])));
	const valued = [...all.values()].filter(({ takesValue }) => takesValue);
	const words = (args: Definitions) => optionsOf(args).flatMap((option) => option.words);
	return `# bash completion for ${program}: source <(${program} completions bash)
_${ident(program)}() {
	local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command='' words='' count=0 i
	COMPREPLY=()
	# bash makes '=' a word of its own.
	if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
	case $prev in
${valued.map(({ words, values }) => `\t${words.join(" | ")}) words='${values.join(" ")}' command=- ;;`).join("\n")}
	esac
	for ((i = 1; i < COMP_CWORD; i++)); do
		case \${COMP_WORDS[i]} in
		${valued.flatMap((option) => option.words).join(" | ")})
			if [[ \${COMP_WORDS[i + 1]} == = ]]; then ((i++)); fi
			((i++))
			;;
		-*) ;;
		*) if [[ -z $command ]]; then command=\${COMP_WORDS[i]}; else ((count += 1)); fi ;;
		esac
	done
	case $command:$cur in
	-:*) ;;
	:-*) words='${words(GENERAL).join(" ")}' ;;
	:*) words='${Object.keys(commands).join(" ")}' ;;
${Object.entries(commands)
	.flatMap(([name, { args }]) => [
		`\t${name}:-*) words='${words(args).join(" ")}' ;;`,
		...positionalsOf(args).flatMap(({ values }, i) =>
			values.length > 0 ? [`\t${name}:*) if ((count == ${i})); then words='${values.join(" ")}'; fi ;;`] : [],
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

function zsh(program: string, commands: CommandTable): string {
	const specs = (args: Definitions) => optionsOf(args).flatMap(zshSpecs);
	const described = Object.entries(commands).map(([name, { description }]) => quoted(`${name}:${description}`));
	const cases = Object.entries(commands).map(([name, { args }]) => {
		const places = positionalsOf(args).map(({ name, optional, variadic, values }, i) => {
			const place = variadic ? "*:" : `${i + 1}:${optional ? ":" : ""}`;
			return quoted(`${place}${name.toUpperCase()}:${values.length > 0 ? `(${values.join(" ")})` : " "}`);
		});
		return `\t\t${name}) _arguments -s ${[...specs(args), ...places].join(" \\\n\t\t\t")} ;;`;
	});
	return `#compdef ${program}
# zsh completion for ${program}: source <(${program} completions zsh), or as _${program} in a directory of $fpath
_${program}() {
	local curcontext=$curcontext state line
	typeset -A opt_args
	_arguments -C -s ${[...specs(GENERAL), "'1: :->command'", "'*:: :->arguments'"].join(" \\\n\t\t")} && return
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

function fish(program: string, commands: CommandTable): string {
	const names = Object.keys(commands).join(" ");
	const seen = (name: string) => `-n '__fish_seen_subcommand_from ${name}'`;
	/** Each of these words may be given once. */
	const firstOf = (name: string, values: readonly string[]) =>
		`-n '__fish_seen_subcommand_from ${name}; and not __fish_seen_subcommand_from ${values.filter((value) => value !== name).join(" ")}'`;
	/** Before a command all options are offered; after it, only those that it takes. */
	const notRefused = ({ name }: Option) => {
		const refusing = Object.keys(commands).filter((command) => !commands[command]?.args[name]);
		return refusing.length > 0 ? `-n 'not __fish_seen_subcommand_from ${refusing.join(" ")}'` : "";
	};
	const line = (condition: string, { words, description, takesValue, values }: Option) => {
		const flags = words.map((word) => (word.startsWith("--") ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`));
		const value = takesValue ? ["-x", ...(values.length > 0 ? [`-a '${values.join(" ")}'`] : [])] : [];
		return ["complete", "-c", program, condition, ...flags, ...value, "-d", fishQuoted(description)]
			.filter(Boolean)
			.join(" ");
	};
	const own = (args: Definitions) => optionsOf(args).filter(({ name }) => !Object.hasOwn(GENERAL, name));
	return `# fish completion for ${program}: ${program} completions fish | source
complete -c ${program} -f
${optionsOf(GENERAL)
	.map((option) => line(notRefused(option), option))
	.join("\n")}
${Object.entries(commands)
	.flatMap(([name, { description, args }]) => [
		`complete -c ${program} -n 'not __fish_seen_subcommand_from ${names}' -a ${name} -d ${fishQuoted(description)}`,
		...own(args).map((option) => line(seen(name), option)),
		...positionalsOf(args).flatMap(({ values }) =>
			values.length > 0 ? [`complete -c ${program} ${firstOf(name, values)} -a '${values.join(" ")}'`] : [],
		),
	])
	.join("\n")}
`;
}

function optionsOf(args: Definitions): Option[] {
	return Object.entries(args).flatMap(([name, definition]) => {
		if (definition.type === "positional") return [];
		const letter = definition.type === "boolean" ? definition.alias : undefined;
		return [
			{
				name,
				words: [`--${name}`, ...(letter ? [`-${letter}`] : [])],
				description: describe(definition),
				// A value that may be left out is not completed: the next word may be something else.
				takesValue: definition.type !== "boolean" && !("next" in definition),
				values: definition.type === "enum" ? definition.options : [],
				hint: definition.type === "string" ? definition.valueHint : name,
			},
		];
	});
}

const positionalsOf = (args: Definitions) =>
	Object.entries(args).flatMap(([name, definition]) =>
		definition.type === "positional" ? [{ ...definition, name, values: definition.values ?? [] }] : [],
	);

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
