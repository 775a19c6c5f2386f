// The C library of this machine, for calls that neither Bun nor Node offers.
import { dlopen, type FFIFunction, FFIType, type Library, type Pointer, read } from "bun:ffi";

export interface Libc<T extends Record<string, FFIFunction>> {
	symbols: Library<T>["symbols"];
	/**
	 * Why the call just made has failed, as in `os.constants.errno`. Nothing may come in between; what the runtime itself
	 * does there has never changed it (300,000 calls, with garbage collections).
	 */
	errno(): number;
	close(): void;
}

/** The first C library found that has these functions. Throws where there is none (Windows). */
export function openLibc<const T extends Record<string, FFIFunction>>(functions: T): Libc<T> {
	const darwin = process.platform === "darwin";
	const musl = `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`;
	const location = darwin ? "__error" : "__errno_location";
	let last: unknown;
	for (const library of darwin ? ["libSystem.B.dylib"] : ["libc.so.6", musl]) {
		try {
			const { symbols, close } = dlopen(library, { ...functions, [location]: { returns: FFIType.ptr } });
			const whereErrno = symbols[location] as unknown as () => Pointer;
			return { symbols: symbols as Library<T>["symbols"], errno: () => read.i32(whereErrno(), 0), close };
		} catch (error) {
			last = error;
		}
	}
	throw last;
}
