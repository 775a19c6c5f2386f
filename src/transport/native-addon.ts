// Loads the native add-on that is embedded in the single-file executable. Bun itself would unpack it to a temporary
// directory, which fails where that is read-only or noexec, and would trust a file that is there already. On Linux it
// goes through memfd_create(2) instead (docs/binding-notes.md, "Single-file executable").
import { FFIType, ptr } from "bun:ffi";
import { readFileSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { openLibc } from "../base/libc.ts";

/** How the add-on was loaded; undefined before that, and where it was not embedded. */
export let loadedBy: "memfd" | "file" | undefined;

/** The add-on's exports. `file` is its path inside the executable. Throws the error of the first attempt. */
export function loadNative(file: string): Record<string, unknown> {
	const module = { exports: {} as Record<string, unknown> };
	let first: unknown;
	if (process.platform === "linux") {
		try {
			process.dlopen(module, inMemory(file), constants.dlopen.RTLD_NOW);
			loadedBy = "memfd";
			return module.exports;
		} catch (error) {
			// Without memfd_create (old kernel, seccomp) or /proc, Bun's own way may still work.
			first = error;
		}
	}
	try {
		process.dlopen(module, file);
		loadedBy = "file";
	} catch (error) {
		throw first ?? error;
	}
	return module.exports;
}

// --- internal ---

const MFD_CLOEXEC = 0x1;
/** Since Linux 6.3: asks for an executable file where the sysctl vm.memfd_noexec forbids it by default. */
const MFD_EXEC = 0x10;

/** Copies the file into memory. The path is valid while the descriptor is open: as long as this process runs. */
function inMemory(file: string): string {
	const bytes = readFileSync(file);
	const fd = memfdCreate();
	for (let offset = 0; offset < bytes.length; ) offset += writeSync(fd, bytes, offset);
	return `/proc/self/fd/${fd}`;
}

function memfdCreate(): number {
	const name = Buffer.from("iroh.node\0");
	const libc = openLibc({ memfd_create: { args: [FFIType.ptr, FFIType.u32], returns: FFIType.i32 } });
	try {
		for (const flags of [MFD_CLOEXEC | MFD_EXEC, MFD_CLOEXEC]) {
			const fd = libc.symbols.memfd_create(ptr(name), flags);
			if (fd >= 0) return fd;
		}
	} finally {
		libc.close();
	}
	throw new Error("memfd_create is unavailable");
}
