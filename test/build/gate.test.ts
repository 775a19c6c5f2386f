// The gates: the build must refuse an executable with no add-on, the wrong one or two, or for another system. The real
// files are cut up and swapped.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkInputs, packagesOf } from "../../build/bundle.ts";
import { checkExecutable } from "../../build/gate.ts";
import { TARGETS, targetOf } from "../../build/targets.ts";
import { addonFile, BUILT, ROOT } from "../support/built.ts";

const bytes = (path: string) => readFileSync(path);

describe("the bundle's inputs", () => {
	const addon = "/x/node_modules/@number0/iroh-linux-x64-gnu/iroh.linux-x64-gnu.node";
	const other = "/x/node_modules/@number0/iroh-linux-x64-musl/iroh.linux-x64-musl.node";

	test("the one add-on is accepted", () => {
		expect(() => checkInputs(["src/main.ts", addon], addon)).not.toThrow();
	});

	test.each([
		["none", ["src/main.ts"]],
		["another", ["src/main.ts", other]],
		["two", [addon, other]],
	])("%s: refused", (_what, inputs) => {
		expect(() => checkInputs(inputs, addon)).toThrow(`the only add-on must be ${addon}, but the bundle has [`);
	});

	test("packages are named by their innermost node_modules", () => {
		const inputs = ["src/main.ts", "/a/node_modules/x/i.js", "/a/node_modules/x/j.js", "/a/node_modules/@s/y/d/k.js"];
		expect(packagesOf([...inputs, "/a/node_modules/x/node_modules/z/l.js"])).toEqual([
			"/a/node_modules/@s/y",
			"/a/node_modules/x",
			"/a/node_modules/x/node_modules/z",
		]);
	});
});

describe.each(BUILT.map((built) => [built.name, built] as const))("%s", (_name, built) => {
	const executable = bytes(built.executable);
	const addon = bytes(addonFile(built));

	test("is accepted for its own target", () => {
		expect(() => checkExecutable(built.target, executable, addon)).not.toThrow();
	});

	test("is refused for every other target", () => {
		for (const [name, target] of Object.entries(TARGETS)) {
			if (name === built.name) continue;
			expect(() => checkExecutable(target, executable, addon), name).toThrow();
		}
	});

	test("is refused without its add-on, with two copies of it, and with one byte of it changed", () => {
		const at = executable.indexOf(addon);
		const cut = Buffer.concat([executable.subarray(0, at), executable.subarray(at + addon.length)]);
		expect(() => checkExecutable(built.target, cut, addon)).toThrow("the add-on's bytes are not in the executable");
		const twice = Buffer.concat([executable, addon]);
		expect(() => checkExecutable(built.target, twice, addon)).toThrow("the add-on is in the executable twice");
		const changed = Buffer.from(executable);
		changed[at + (addon.length >> 1)] = (changed[at + (addon.length >> 1)] as number) ^ 1;
		expect(() => checkExecutable(built.target, changed, addon)).toThrow("are not in the executable");
	});
});

test("another target's add-on is refused with the reason", () => {
	for (const built of BUILT) {
		for (const other of BUILT) {
			if (other === built) continue;
			const [executable, addon] = [bytes(built.executable), bytes(addonFile(other))];
			expect(() => checkExecutable(built.target, executable, addon), `${built.name}, ${other.name}`).toThrow(
				/^(the add-on |not a 64-bit ELF file)/,
			);
		}
	}
});

describe("small files of each format", () => {
	const pe = (machine: number) => {
		const file = Buffer.alloc(256);
		file.write("MZ");
		file.writeUInt32LE(0x80, 0x3c);
		file.write("PE\0\0", 0x80);
		file.writeUInt16LE(machine, 0x84);
		return file;
	};
	const machO = (cpu: number, command: number) => {
		const file = Buffer.alloc(64);
		file.writeUInt32LE(0xfeedfacf, 0);
		file.writeUInt32LE(cpu, 4);
		file.writeUInt32LE(1, 16);
		file.writeUInt32LE(command, 32);
		file.writeUInt32LE(16, 36);
		return file;
	};
	const holding = (head: Buffer, addon: Buffer) => Buffer.concat([head, addon]);

	test("PE: the machine must match", () => {
		const [x64, arm64] = [pe(0x8664), pe(0xaa64)];
		const target = targetOf("windows-x64");
		const marked = Buffer.concat([x64, Buffer.from("add-on")]);
		expect(() => checkExecutable(target, holding(x64, marked), marked)).not.toThrow();
		expect(() => checkExecutable(target, holding(arm64, marked), marked)).toThrow(
			"the executable is for PE machine 0xaa64",
		);
		expect(() => checkExecutable(target, holding(x64, arm64), arm64)).toThrow("the add-on is for PE machine 0xaa64");
		expect(() => checkExecutable(target, Buffer.from("MZ no"), marked)).toThrow();
		expect(() => checkExecutable(target, machO(0x0100000c, 0x1d), marked)).toThrow("the executable is not a PE file");
	});

	test("Mach-O: the CPU must match, and there must be a signature", () => {
		const target = targetOf("darwin-arm64");
		const addon = Buffer.concat([machO(0x0100000c, 2), Buffer.from("add-on")]);
		expect(() => checkExecutable(target, holding(machO(0x0100000c, 0x1d), addon), addon)).not.toThrow();
		expect(() => checkExecutable(target, holding(machO(0x0100000c, 2), addon), addon)).toThrow("not signed");
		expect(() => checkExecutable(target, holding(machO(0x01000007, 0x1d), addon), addon)).toThrow(
			"Mach-O CPU 0x1000007",
		);
	});
});

const elf = BUILT.find(({ name }) => name === "linux-x64");

test.skipIf(!elf)("an executable that needs another library, another loader or a newer glibc is refused", () => {
	if (!elf) return;
	const executable = bytes(elf.executable);
	const addon = bytes(addonFile(elf));
	/** The first `from` in a file, replaced by something as long. */
	const patched = (file: Buffer, from: string, to: string) => {
		const copy = Buffer.from(file);
		const at = copy.indexOf(`${from}\0`);
		expect(at, from).toBeGreaterThan(0);
		copy.write(to, at);
		return copy;
	};
	expect(() =>
		checkExecutable(
			elf.target,
			patched(executable, "/lib64/ld-linux-x86-64.so.2", "/lib64/ld-other-x86-64.so.2"),
			addon,
		),
	).toThrow("the executable's loader is /lib64/ld-other");
	expect(() => checkExecutable(elf.target, executable, patched(addon, "libgcc_s.so.1", "libfoo_s.so.1"))).toThrow(
		"the add-on needs libfoo_s.so.1",
	);
	expect(() => checkExecutable(elf.target, executable, patched(addon, "GLIBC_2.34", "GLIBC_2.39"))).toThrow(
		"the add-on needs glibc 2.39, newer than 2.34",
	);
});

test("iroh has the add-on of every target, and none for Intel Macs", async () => {
	const { optionalDependencies } = await Bun.file(join(ROOT, "node_modules/@number0/iroh/package.json")).json();
	for (const [name, { addon }] of Object.entries(TARGETS)) expect(optionalDependencies, name).toHaveProperty([addon]);
	expect(Object.keys(optionalDependencies).filter((name) => /darwin-x64/.test(name))).toEqual([]);
	expect(() => targetOf("darwin-x64")).toThrow("there is no target 'darwin-x64': the targets are linux-x64, ");
	expect(() => targetOf("constructor")).toThrow("there is no target 'constructor'");
});
