// The C library of this machine, for calls that neither Bun nor Node offers.
import { dlopen, type FFIFunction } from "bun:ffi";

/** The first C library found that has these functions. Throws where there is none (Windows). */
export function openLibc<const T extends Record<string, FFIFunction>>(functions: T) {
	const musl = `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`;
	let last: unknown;
	for (const library of process.platform === "darwin" ? ["libSystem.B.dylib"] : ["libc.so.6", musl]) {
		try {
			return dlopen(library, functions);
		} catch (error) {
			last = error;
		}
	}
	throw last;
}
