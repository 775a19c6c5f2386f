// What the web server of the benchmark serves, made of the JavaScript in node_modules, always the same: two pages as
// development servers send them, and files of text and of random bytes.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Page A, as Vite sends it: modules, each of which a module of the level above imports. */
const MODULES = 900;
const MODULES_BYTES = 3e6;
const LEVELS = 10;

/** Page B, as a server sends it that bundles: large files, all named by the page itself. */
const BUNDLES = 20;
const BUNDLES_BYTES = 8e6;

/** Writes all files into `directory`, with bulk files of `bulk` bytes. */
export function writePages(directory: string, bulk: number): void {
	const text = modules();
	const bundle = bundled();
	const random = generator(7);
	for (const page of ["a", "b"]) mkdirSync(join(directory, page), { recursive: true });
	writeFileSync(join(directory, "1k"), text.subarray(0, 1024));
	writeFileSync(join(directory, "64k"), bundle.subarray(4096, 4096 + 65_536));
	writeFileSync(join(directory, "text"), repeated(bundle, bulk));
	const noise = Buffer.alloc(bulk);
	for (let at = 0; at < bulk; at += 65_536) crypto.getRandomValues(noise.subarray(at, Math.min(bulk, at + 65_536)));
	writeFileSync(join(directory, "random"), noise);

	const slice = (of: Buffer, length: number) => {
		const from = Math.floor(random() * (of.length - length));
		return of.subarray(from, from + length);
	};
	const level = (module: number) => Math.floor((module / MODULES) ** 0.7 * LEVELS);
	const parents = Array.from({ length: MODULES }, (_, module) => {
		const above = Array.from({ length: module }, (_, other) => other).filter((other) => level(other) < level(module));
		return above.filter((other) => level(other) === level(module) - 1)[
			Math.floor(random() * 1e6) % (above.length || 1)
		];
	});
	const sizes = shares(MODULES, MODULES_BYTES, random);
	for (let module = 0; module < MODULES; module++) {
		const children = parents.flatMap((parent, child) => (parent === module ? [child] : []));
		writeFileSync(join(directory, `a/${module}.js`), viteModule(children, slice(text, sizes[module] as number)));
	}
	// Those without a parent on the level above are named by the page.
	const roots = parents.flatMap((parent, module) => (parent === undefined ? [module] : []));
	writeFileSync(join(directory, "a/index.html"), html(roots.map((module) => `${module}.js`)));
	for (const [i, size] of shares(BUNDLES, BUNDLES_BYTES, random).entries()) {
		writeFileSync(join(directory, `b/${i}.js`), slice(bundle, size));
	}
	writeFileSync(join(directory, "b/index.html"), html(Array.from({ length: BUNDLES }, (_, i) => `${i}.js`)));
}

/** The files that a page or a module names. */
export const namedBy = (text: string): string[] => [...text.matchAll(/"\.\/(\d+\.js)"/g)].map(([, name = ""]) => name);

// --- internal ---

const PACKAGES = join(import.meta.dir, "../../node_modules");

/** Programs and their packages, bundled by esbuild, as development servers send them. */
const bundled = (): Buffer =>
	Buffer.concat(["core", "utils"].map((name) => readFileSync(join(PACKAGES, `playwright-core/lib/${name}Bundle.js`))));

/** JavaScript of this repository's packages, as it is published. */
function modules(): Buffer {
	const root = PACKAGES;
	const files = ["fast-check", "ajv", "ws", "@noble", "consola"].flatMap((name) =>
		readdirSync(join(root, name), { recursive: true, encoding: "utf8" })
			.filter((path) => /\.m?js$/.test(path) && !/\.min\./.test(path))
			.map((path) => join(root, name, path))
			.filter((path) => statSync(path).isFile()),
	);
	return Buffer.concat(files.sort().map((path) => readFileSync(path)));
}

/** A module as Vite transforms it: imports with a version, the code, and a source map in the last line. */
function viteModule(imports: readonly number[], code: Uint8Array): string {
	const lines = imports.map((module) => `import "./${module}.js";`);
	const body = Buffer.from(code).toString("latin1").replaceAll('"./', '"/@fs/');
	const map = Buffer.from(body.slice(0, body.length / 4)).toString("base64");
	const kept = body.slice(0, Math.max(0, body.length - map.length));
	return `${lines.join("\n")}\n${kept}\n//# sourceMappingURL=data:application/json;base64,${map}\n`;
}

const html = (scripts: readonly string[]): string =>
	`<!doctype html><title>bench</title>\n${scripts.map((name) => `<script type="module" src="./${name}"></script>`).join("\n")}\n`;

function repeated(text: Buffer, length: number): Buffer {
	return Buffer.alloc(length, text.subarray(0, Math.min(text.length, length)));
}

/** Sizes that differ as those of files do, and add up to `total`. */
function shares(count: number, total: number, random: () => number): number[] {
	const weights = Array.from({ length: count }, () => 0.2 + random() ** 3 * 6);
	const sum = weights.reduce((a, b) => a + b, 0);
	return weights.map((weight) => Math.floor((weight / sum) * total));
}

/** Numbers from 0 to 1, the same in each run. */
function generator(seed: number): () => number {
	let state = seed;
	return () => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return state / 2 ** 32;
	};
}
