// Checks that a finished executable and the add-on in it are for the target: a build with the wrong one succeeds just as
// silently. Reads the headers of the files: elf(5), Mach-O, PE/COFF.
import type { Elf, Target } from "./targets.ts";

/** The newest version of glibc that an executable may require; install.sh refuses systems with an older one. */
const GLIBC_MAX = [2, 34] as const;

/** @throws Error that says what is wrong with the executable, or with the add-on that it should contain */
export function checkExecutable(target: Target, executable: Buffer, addon: Buffer): void {
	const { format } = target;
	if (format.kind === "elf") {
		checkElf("executable", executable, format);
		checkElf("add-on", addon, format);
		const { interpreter } = readElf(executable);
		if (interpreter !== format.interpreter) {
			throw new Error(`the executable's loader is ${interpreter ?? "none"}, not ${format.interpreter}`);
		}
	} else if (format.kind === "mach-o") {
		checkMachO("executable", executable, format.cpu);
		checkMachO("add-on", addon, format.cpu);
		// macOS kills arm64 programs that have no signature at all.
		if (!hasCommand(executable, 0x1d)) throw new Error("the executable is not signed (no LC_CODE_SIGNATURE)");
	} else {
		checkPe("executable", executable, format.machine);
		checkPe("add-on", addon, format.machine);
	}
	const at = executable.indexOf(addon);
	if (at < 0) throw new Error("the add-on's bytes are not in the executable");
	if (executable.indexOf(addon, at + addon.length) >= 0) throw new Error("the add-on is in the executable twice");
}

// --- internal ---

function checkElf(what: string, file: Buffer, { machine, libraries }: Elf): void {
	const elf = readElf(file);
	if (elf.machine !== machine) throw new Error(`the ${what} is for ELF machine ${elf.machine}, not ${machine}`);
	const strangers = elf.needed.filter((library) => !libraries.includes(library));
	if (strangers.length > 0) throw new Error(`the ${what} needs ${strangers.join(", ")}`);
	const [major, minor] = GLIBC_MAX;
	const newer = elf.glibc.filter(([x, y]) => x > major || (x === major && y > minor));
	if (newer.length > 0) throw new Error(`the ${what} needs glibc ${newer[0]?.join(".")}, newer than ${major}.${minor}`);
}

/** The machine, loader and libraries of a 64-bit little-endian ELF file, and the versions of glibc that it names. */
function readElf(file: Buffer) {
	if (file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) throw new Error("not a 64-bit ELF file");
	const number = (at: number) => Number(file.readBigUInt64LE(at));
	const segments = Array.from({ length: file.readUInt16LE(56) }, (_, i) => {
		const at = number(32) + i * file.readUInt16LE(54);
		return { type: file.readUInt32LE(at), offset: number(at + 8), address: number(at + 16), size: number(at + 32) };
	});
	/** The offset in the file of an address in memory. */
	const offsetOf = (address: number): number => {
		const home = segments.find((s) => s.type === 1 && address >= s.address && address < s.address + s.size);
		if (!home) throw new Error("an ELF address is outside all segments");
		return address - home.address + home.offset;
	};
	const loader = segments.find(({ type }) => type === 3);
	const dynamic = segments.find(({ type }) => type === 2);
	const tags: [tag: number, value: number][] = [];
	for (let at = dynamic?.offset ?? 0; dynamic && at < dynamic.offset + dynamic.size; at += 16) {
		tags.push([number(at), number(at + 8)]);
	}
	const first = (wanted: number) => tags.find(([tag]) => tag === wanted)?.[1];
	const strings = offsetOf(first(5) ?? segments[0]?.address ?? 0);
	const text = (at: number) => file.toString("latin1", at, file.indexOf(0, at));
	const names = file.toString("latin1", strings, strings + (first(10) ?? 0));
	return {
		machine: file.readUInt16LE(18),
		interpreter: loader && text(loader.offset),
		needed: tags.filter(([tag]) => tag === 1).map(([, offset]) => text(strings + offset)),
		glibc: [...names.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const),
	};
}

function checkMachO(what: string, file: Buffer, cpu: number): void {
	if (file.readUInt32LE(0) !== 0xfeedfacf) throw new Error(`the ${what} is not a 64-bit Mach-O file`);
	const found = file.readUInt32LE(4);
	if (found !== cpu)
		throw new Error(`the ${what} is for Mach-O CPU 0x${found.toString(16)}, not 0x${cpu.toString(16)}`);
}

/** Whether a Mach-O file has a load command of this type. */
function hasCommand(file: Buffer, wanted: number): boolean {
	for (let at = 32, left = file.readUInt32LE(16); left > 0; at += file.readUInt32LE(at + 4), left--) {
		if (file.readUInt32LE(at) === wanted) return true;
	}
	return false;
}

function checkPe(what: string, file: Buffer, machine: number): void {
	const header = file.toString("latin1", 0, 2) === "MZ" ? file.readUInt32LE(0x3c) : 0;
	if (header === 0 || file.toString("latin1", header, header + 4) !== "PE\0\0") {
		throw new Error(`the ${what} is not a PE file`);
	}
	const found = file.readUInt16LE(header + 4);
	if (found !== machine) {
		throw new Error(`the ${what} is for PE machine 0x${found.toString(16)}, not 0x${machine.toString(16)}`);
	}
}
