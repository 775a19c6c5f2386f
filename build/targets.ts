// The platforms that the program is built for. There is no darwin-x64, because iroh publishes no add-on for Intel Macs.

export interface Target {
	/** Its name for `bun build --compile --target`. */
	readonly bun: Bun.Build.CompileTarget;
	/** The package with Bun for it. On x64 the baseline build, which also runs on processors without AVX2. */
	readonly runtime: string;
	/** The package with its native add-on. */
	readonly addon: string;
	readonly executable: "hivemind-p2p" | "hivemind-p2p.exe";
	readonly archive: "tar.gz" | "zip";
	/** What the headers of the executable and the add-on must say (gate.ts). */
	readonly format: Elf | { readonly kind: "mach-o"; readonly cpu: number } | { readonly kind: "pe"; machine: number };
}

export interface Elf {
	readonly kind: "elf";
	/** e_machine. */
	readonly machine: number;
	/** The dynamic loader that the executable names. */
	readonly interpreter: string;
	/** The system libraries that executable and add-on may need; any other is missing on some systems. */
	readonly libraries: readonly string[];
}

const X64 = 62;
const ARM64 = 183;

const glibc = (machine: number, interpreter: string): Elf => ({
	kind: "elf",
	machine,
	interpreter,
	libraries: [
		interpreter.slice(interpreter.lastIndexOf("/") + 1),
		...["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "libgcc_s.so.1"],
	],
});

const musl = (machine: number, cpu: string): Elf => ({
	kind: "elf",
	machine,
	interpreter: `/lib/ld-musl-${cpu}.so.1`,
	// On Alpine, libstdc++ and libgcc_s are separate packages; install.sh checks for them.
	libraries: [`libc.musl-${cpu}.so.1`, "libc.so", "libstdc++.so.6", "libgcc_s.so.1"],
});

const UNIX = { executable: "hivemind-p2p", archive: "tar.gz" } as const;

export const TARGETS: Readonly<Record<string, Target>> = {
	"linux-x64": {
		bun: "bun-linux-x64-baseline",
		runtime: "@oven/bun-linux-x64-baseline",
		addon: "@number0/iroh-linux-x64-gnu",
		format: glibc(X64, "/lib64/ld-linux-x86-64.so.2"),
		...UNIX,
	},
	"linux-arm64": {
		bun: "bun-linux-arm64",
		runtime: "@oven/bun-linux-aarch64",
		addon: "@number0/iroh-linux-arm64-gnu",
		format: glibc(ARM64, "/lib/ld-linux-aarch64.so.1"),
		...UNIX,
	},
	"linux-x64-musl": {
		bun: "bun-linux-x64-baseline-musl" as Bun.Build.CompileTarget,
		runtime: "@oven/bun-linux-x64-musl-baseline",
		addon: "@number0/iroh-linux-x64-musl",
		format: musl(X64, "x86_64"),
		...UNIX,
	},
	"linux-arm64-musl": {
		bun: "bun-linux-arm64-musl",
		runtime: "@oven/bun-linux-aarch64-musl",
		addon: "@number0/iroh-linux-arm64-musl",
		format: musl(ARM64, "aarch64"),
		...UNIX,
	},
	"darwin-arm64": {
		bun: "bun-darwin-arm64",
		runtime: "@oven/bun-darwin-aarch64",
		addon: "@number0/iroh-darwin-arm64",
		format: { kind: "mach-o", cpu: 0x0100000c },
		...UNIX,
	},
	"windows-x64": {
		bun: "bun-windows-x64-baseline",
		runtime: "@oven/bun-windows-x64-baseline",
		addon: "@number0/iroh-win32-x64-msvc",
		executable: "hivemind-p2p.exe",
		archive: "zip",
		format: { kind: "pe", machine: 0x8664 },
	},
};

/** The target of this name. @throws Error that lists the targets if there is none */
export function targetOf(name: string): Target {
	const target = Object.hasOwn(TARGETS, name) ? TARGETS[name] : undefined;
	if (!target) throw new Error(`there is no target '${name}': the targets are ${Object.keys(TARGETS).join(", ")}`);
	return target;
}

/** This machine's target. */
export function hostTarget(): string {
	const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
	const isMusl = process.platform === "linux" && !report?.header?.glibcVersionRuntime;
	const platform = process.platform === "win32" ? "windows" : process.platform;
	return `${platform}-${process.arch}${isMusl ? "-musl" : ""}`;
}

/** The archive's name in dist/ and in a release. It has no version, so that `releases/latest/download/…` works. */
export const archiveName = (name: string): string => `hivemind-p2p-${name}.${targetOf(name).archive}`;
