// Runs a command in which a system call fails with one errno, as flock(2) does on a file system that cannot lock, or
// ends the process (KILL). A seccomp filter does it, because bun:ffi looks flock up in the C library itself, where
// LD_PRELOAD has no say. Linux only.
// Usage: bun without-call.ts <CALL> <ERRNO|KILL> <COMMAND> [<ARGUMENT> ...]
import { FFIType, ptr } from "bun:ffi";
import { constants } from "node:os";
import { openLibc } from "../../src/base/libc.ts";

const [call = "", name = "", ...command] = process.argv.slice(2);
const errno = constants.errno[name as keyof typeof constants.errno];
/** asm/unistd.h, on x64 and on arm64; rename(2) has three forms, of which arm64 has two. */
const CALLS: Record<string, readonly [number[], number[]]> = {
	flock: [[73], [32]],
	rename: [
		[82, 264, 316],
		[38, 276],
	],
};
const numbers = CALLS[call]?.[process.arch === "arm64" ? 1 : 0] ?? [];

const PR_SET_SECCOMP = 22;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_MODE_FILTER = 2;
const SECCOMP_RET_ERRNO = 0x0005_0000;
const SECCOMP_RET_KILL_PROCESS = 0x8000_0000;
const SECCOMP_RET_ALLOW = 0x7fff_0000;

const result = name === "KILL" ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | errno;
/** linux/filter.h: load the number of the system call; if it is one of ours, skip to the last line; allow; fail. */
const filter = Buffer.concat(
	[
		[0x20, 0, 0, 0],
		...numbers.map((number, i) => [0x15, numbers.length - i, 0, number]),
		[0x06, 0, 0, SECCOMP_RET_ALLOW],
		[0x06, 0, 0, result],
	].map(([code = 0, jt = 0, jf = 0, k = 0]) => {
		const instruction = Buffer.alloc(8);
		instruction.writeUInt16LE(code, 0);
		instruction.writeUInt8(jt, 2);
		instruction.writeUInt8(jf, 3);
		instruction.writeUInt32LE(k, 4);
		return instruction;
	}),
);
const program = Buffer.alloc(16);
program.writeUInt16LE(filter.length / 8, 0);
program.writeBigUInt64LE(BigInt(ptr(filter)), 8);

const { symbols, errno: why } = openLibc({
	prctl: { args: [FFIType.i32, FFIType.u64, FFIType.u64, FFIType.u64, FFIType.u64], returns: FFIType.i32 },
	execvp: { args: [FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
});
const words = command.map((word) => Buffer.from(`${word}\0`));
const list = new BigUint64Array([...words.map((word) => BigInt(ptr(word))), 0n]);
const failed = (what: string) => {
	console.error(`${what}: errno ${why()}`);
	process.exit(1);
};
if (numbers.length === 0 || (errno === undefined && name !== "KILL") || !words[0])
	failed(`without-call.ts: '${call}' is not a call, '${name}' not an errno, or the command is missing`);
if (symbols.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0) failed("prctl");
if (symbols.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ptr(program), 0, 0) !== 0) failed("seccomp");
// The filter holds for this thread only, and execve makes this thread the process.
symbols.execvp(ptr(words[0] as Buffer), ptr(list));
failed("execvp");
