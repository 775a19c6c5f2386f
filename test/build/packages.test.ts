// Packages from a registry: a tampered tarball, a missing package and a missing version are refused by name, and a good
// one is kept. The registry is a small server on loopback.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tarGz } from "../../build/archive.ts";
import { addonPackage, fetchPackage, installed } from "../../build/packages.ts";
import { ROOT } from "../support/built.ts";

const STORE = join(ROOT, "node_modules/.cache/hivemind-p2p");
const stored = () => (existsSync(STORE) ? readdirSync(STORE).sort() : []);
const cache = mkdtempSync(join(tmpdir(), "hivemind-cache-"));

const tarball = (name: string) =>
	tarGz(
		[{ name: "package/package.json", data: Buffer.from(JSON.stringify({ name, version: "1.0.0", main: "a.node" })) }],
		0,
	);
const sha512 = (data: Uint8Array) => `sha512-${new Bun.CryptoHasher("sha512").update(data).digest("base64")}`;

/** Has packages whose names say whether they are good, tampered with or missing. */
const registry: Bun.Server<undefined> = Bun.serve({
	port: 0,
	hostname: "127.0.0.1",
	fetch(request): Response {
		const path = decodeURIComponent(new URL(request.url).pathname.slice(1));
		const name = path.replace(/\/-\/.*/, "");
		if (!name.startsWith("hivemind-test-") || name.endsWith("-missing")) return new Response("{}", { status: 404 });
		if (path !== name) return new Response(Buffer.from(tarball(name)));
		const integrity = sha512(name.endsWith("-tampered") ? Buffer.from("other bytes") : tarball(name));
		const dist = { tarball: `${registry.url.href}${name}/-/${name}-1.0.0.tgz`, integrity };
		// For another system, and it must be fetched nevertheless.
		const version = { name, version: "1.0.0", os: ["win32"], cpu: ["s390x"], dist };
		return Response.json({ name, "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": version } });
	},
});

const before = { ...process.env };
const names = ["good", "tampered", "missing"].map((kind) => `hivemind-test-${kind}`);
const clean = () => {
	for (const name of names) rmSync(join(STORE, `${name}@1.0.0`), { recursive: true, force: true });
};

beforeAll(() => {
	clean();
	process.env.BUN_CONFIG_REGISTRY = registry.url.href;
	process.env.BUN_INSTALL_CACHE_DIR = cache;
});

afterAll(async () => {
	process.env.BUN_CONFIG_REGISTRY = before.BUN_CONFIG_REGISTRY;
	process.env.BUN_INSTALL_CACHE_DIR = before.BUN_INSTALL_CACHE_DIR;
	for (const name of ["BUN_CONFIG_REGISTRY", "BUN_INSTALL_CACHE_DIR"])
		if (before[name] === undefined) delete process.env[name];
	await registry.stop(true);
	clean();
	rmSync(cache, { recursive: true, force: true });
});

test("a package for another system is fetched with the registry's integrity, and kept", async () => {
	const first = await fetchPackage("hivemind-test-good", "1.0.0");
	expect(first).toMatchObject({ version: "1.0.0", integrity: sha512(tarball("hivemind-test-good")) });
	expect(readFileSync(join(first.directory, "package.json"), "utf8")).toContain("a.node");
	expect(stored()).toContain("hivemind-test-good@1.0.0");
	expect(await fetchPackage("hivemind-test-good", "1.0.0")).toEqual(first);
});

test.each([
	["hivemind-test-tampered", "1.0.0", /Integrity/i],
	["hivemind-test-missing", "1.0.0", /404/],
	["hivemind-test-good", "1.0.1", /1\.0\.1/],
])("%s@%s is not available, and leaves nothing", async (name, version, reason) => {
	const kept = stored();
	const error = (await fetchPackage(name, version).catch((error: Error) => error)) as Error;
	expect(error.message).toStartWith(`${name}@${version} is not available from the registry (`);
	expect(error.message).toMatch(reason);
	expect(error.message).not.toContain("\n");
	expect(stored()).toEqual(kept);
});

test("an add-on that the binding does not list is refused", async () => {
	const error = (await addonPackage("@number0/iroh-darwin-x64").catch((error: Error) => error)) as Error;
	expect(error.message).toContain("@number0/iroh does not list @number0/iroh-darwin-x64");
});

test("an installed package has the lockfile's integrity", () => {
	expect(installed("citty")?.integrity).toStartWith("sha512-");
	expect(installed("no-such-package")).toBeUndefined();
});
