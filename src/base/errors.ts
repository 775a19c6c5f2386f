// The one error class of the program and the table from its codes to exit statuses. Only main.ts turns an error into text
// and a status.

/** Exit statuses are part of the interface: `help exit-statuses` and docs/cli.md list them; never renumbered. */
export const EXIT_STATUS = {
	ok: { status: 0, meaning: "success, also when stopped with Ctrl+C" },
	internal: { status: 1, meaning: "a bug in hivemind-p2p, or a no from `doctor` or `status --check`" },
	usage: { status: 2, meaning: "a mistake on the command line or in hivemind.toml" },
	ticket: { status: 3, meaning: "the ticket cannot be read" },
	listen: { status: 4, meaning: "a local TCP port cannot be opened" },
	bind: { status: 5, meaning: "the UDP address cannot be bound" },
	unreachable: { status: 6, meaning: "the hub, or the program that `status` asks, cannot be reached" },
	alpn: { status: 7, meaning: "hub and peer use different --alpn" },
	lost: { status: 8, meaning: "the connection to the hub ended" },
	addon: { status: 9, meaning: "the native networking library cannot be loaded" },
	check: { status: 10, meaning: "a check of `demo` failed" },
	code: { status: 11, meaning: "the join code cannot be read, is wrong or was already used" },
	nobody: { status: 12, meaning: "no hub answered the join code" },
	mailbox: { status: 13, meaning: "the mailbox server cannot be reached, or refused this client" },
	denied: { status: 14, meaning: "the hub denied this peer" },
	identity: { status: 15, meaning: "the identity file or the saved hub cannot be used" },
	file: { status: 16, meaning: "a file cannot be written" },
} as const;

export type ErrorCode = Exclude<keyof typeof EXIT_STATUS, "ok">;

/** An error for the user: `message` says what happened, `hint` what to do or the likely reason. */
export class HivemindError extends Error {
	readonly code: ErrorCode;
	readonly hint?: string;

	constructor(code: ErrorCode, message: string, more: { hint?: string; cause?: unknown } = {}) {
		super(message, { cause: more.cause });
		this.name = "HivemindError";
		this.code = code;
		if (more.hint !== undefined) this.hint = more.hint;
	}
}

/** A command that was asked a question has answered no, and has said so: the program ends with status 1, silently. */
export class NegativeAnswer extends Error {}

/** The first line of anything thrown: the binding appends a Rust backtrace when RUST_BACKTRACE is set. */
export function firstLine(error: unknown): string {
	const text = error instanceof Error ? error.message : String(error);
	return text.split("\n", 1)[0]?.trim() ?? "";
}

/** `error.code` of Node-style errors ("EADDRINUSE"), or "". */
export function systemCode(error: unknown): string {
	const code = (error as { code?: unknown } | null)?.code;
	return typeof code === "string" ? code : "";
}

/** Why a TCP port could not be opened, by {@link systemCode}. */
export const LISTEN_REASONS: Record<string, string> = {
	EADDRINUSE: "the port is in use",
	EADDRNOTAVAIL: "this machine has no such address",
	EACCES: "permission denied (ports below 1024 need root)",
	ENOTFOUND: "host name not found",
};

/** What is said of an exception that nothing expected, and that ended only a part of the program. */
export function unexpected(reason: string, where?: string): string {
	return `Unexpected (a bug, please report it)${where === undefined ? "" : `, in ${where}`}: ${reason}`;
}
