// errno is read by a second call across bun:ffi: nothing that the runtime does in between may change it.

import { FFIType } from "bun:ffi";
import { expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { constants, devNull } from "node:os";
import { openLibc } from "../../../src/base/libc.ts";

test.skipIf(process.platform === "win32")("the errno of a failed call is its own, a thousand times", () => {
	const libc = openLibc({
		close: { args: [FFIType.i32], returns: FFIType.i32 },
		lseek: { args: [FFIType.i32, FFIType.i64, FFIType.i32], returns: FFIType.i64 },
	});
	const file = openSync(devNull, "r");
	const seen = new Map<string, number>();
	const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);
	for (let i = 0; i < 1000; i++) {
		count(`close ${libc.symbols.close(-1)} ${libc.errno()}`);
		count(`lseek ${libc.symbols.lseek(file, 0, 99)} ${libc.errno()}`);
		// Garbage, so that collections fall between the calls, too.
		new Array(1000).fill(i).map((n) => ({ n }));
	}
	closeSync(file);
	libc.close();
	const { EBADF, EINVAL } = constants.errno;
	expect(Object.fromEntries(seen)).toEqual({ [`close -1 ${EBADF}`]: 1000, [`lseek -1 ${EINVAL}`]: 1000 });
});

test.skipIf(process.platform === "win32")("a function that no C library has is an error", () => {
	expect(() => openLibc({ no_such_function: {} })).toThrow();
});
