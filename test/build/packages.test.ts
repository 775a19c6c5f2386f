// Packages from a registry: only what has its hash in the repository is fetched, and nothing but the bytes that have it,
// whatever the registry says about them. The registry is a small server on loopback.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tarGz } from "../../build/archive.ts";
import { committedChecksums, formatChecksums, MISSING, neededPackages, parseChecksums } from "../../build/checksums.ts";
import { addonPackage, addonVersions, fetchPackage, installed, registryIntegrity } from "../../build/packages.ts";
import { updateChecksums } from "../../build/update-checksums.ts";
import { ROOT } from "../support/built.ts";

const STORE = join(ROOT, "node_modules/.cache/hivemind-p2p");
const stored = () => (existsSync(STORE) ? readdirSync(STORE).sort() : []);
const cache = mkdtempSync(join(tmpdir(), "hivemind-cache-"));

const tarball = (name: string, main = "a.node") =>
	tarGz([{ name: "package/package.json", data: Buffer.from(JSON.stringify({ name, version: "1.0.0", main })) }], 0);
const sha512 = (data: Uint8Array) => `sha512-${new Bun.CryptoHasher("sha512").update(data).digest("base64")}`;

/** Names that say what their package is like. */
const GOOD = "hivemind-test-good";
/** The registry's hash is that of what it serves, but both have been replaced. */
const REPLACED = "hivemind-test-replaced";
/** The registry's hash is not that of what it serves. */
const BROKEN = "hivemind-test-broken";
const GONE = "hivemind-test-gone";
const names = [GOOD, REPLACED, BROKEN, GONE];

/** What the repository says of them. */
const checksums = new Map(names.map((name) => [`${name}@1.0.0`, sha512(tarball(name))]));

const requests: string[] = [];
const registry: Bun.Server<undefined> = Bun.serve({
	port: 0,
	hostname: "127.0.0.1",
	fetch(request): Response {
		const path = decodeURIComponent(new URL(request.url).pathname.slice(1));
		requests.push(path);
		const name = path.replace(/\/-\/.*/, "");
		if (!names.includes(name) || name === GONE) return new Response("{}", { status: 404 });
		const served = tarball(name, name === REPLACED ? "evil.node" : undefined);
		if (path.endsWith("-1.0.0.tgz")) return new Response(Buffer.from(served));
		if (path !== name) return new Response("{}", { status: 404 });
		const integrity = sha512(name === BROKEN ? Buffer.from("other bytes") : served);
		const dist = { tarball: `${registry.url.href}${name}/-/${name}-1.0.0.tgz`, integrity };
		// For another system, and it must be fetched nevertheless.
		const version = { name, version: "1.0.0", os: ["win32"], cpu: ["s390x"], dist };
		return Response.json({ name, "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": version } });
	},
});

const before = { ...process.env };
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

beforeEach(() => {
	requests.length = 0;
});

/** The error of a fetch that must fail and leave nothing behind. */
async function failure(name: string, version: string, known = checksums): Promise<string> {
	const kept = stored();
	const error = await fetchPackage(name, version, known).catch((error: Error) => error);
	expect(error).toBeInstanceOf(Error);
	expect(stored()).toEqual(kept);
	return (error as Error).message;
}

test("a package for another system is fetched, and kept", async () => {
	const first = await fetchPackage(GOOD, "1.0.0", checksums);
	expect(first).toMatchObject({ version: "1.0.0", integrity: sha512(tarball(GOOD)) });
	expect(readFileSync(join(first.directory, "package.json"), "utf8")).toContain("a.node");
	expect(stored()).toContain(`${GOOD}@1.0.0`);
	expect(await fetchPackage(GOOD, "1.0.0", checksums)).toEqual(first);
	// The registry's word is not asked for.
	expect(requests).toEqual([`${GOOD}/-/${GOOD}-1.0.0.tgz`]);
});

test("a package that the registry has replaced, with a new hash of its own, is refused", async () => {
	// It would be taken if the registry were believed.
	expect(await registryIntegrity(REPLACED, "1.0.0")).toBe(sha512(tarball(REPLACED, "evil.node")));
	expect(await failure(REPLACED, "1.0.0")).toMatch(/^hivemind-test-replaced@1\.0\.0 is not available .*Integrity/);
});

test("a package that was kept with another hash than the repository's is fetched again", async () => {
	const evil = new Map([[`${REPLACED}@1.0.0`, sha512(tarball(REPLACED, "evil.node"))]]);
	expect((await fetchPackage(REPLACED, "1.0.0", evil)).manifest.main).toBe("evil.node");
	expect(await failure(REPLACED, "1.0.0")).toMatch(/Integrity/);
});

test("what is in Bun's cache is not taken as it is", async () => {
	clean();
	const work = mkdtempSync(join(tmpdir(), "hivemind-warm-"));
	await Bun.write(join(work, "package.json"), JSON.stringify({ dependencies: { [REPLACED]: "1.0.0" } }));
	const warm = Bun.spawn([process.execPath, "install", "--os=*", "--cpu=*"], {
		cwd: work,
		env: { ...process.env },
		stdio: ["ignore", "ignore", "ignore"],
	});
	expect(await warm.exited).toBe(0);
	rmSync(work, { recursive: true });
	expect(readdirSync(cache).join()).toContain(REPLACED);
	expect(await failure(REPLACED, "1.0.0")).toMatch(/Integrity/);
});

test.each([
	["no hash", new Map<string, string>(), "has no hash in build/checksums: see RELEASING.md"],
	["a hash of another version only", new Map([[`${GOOD}@1.0.1`, sha512(tarball(GOOD))]]), "has no hash in"],
	[
		"a note that the registry did not have it",
		new Map([[`${GOOD}@1.0.0`, MISSING]]),
		"because the registry did not have it when that was last updated",
	],
])("a package for which the repository has %s is not even asked for", async (_, known, reason) => {
	const message = await failure(GOOD, "1.0.0", known);
	expect(message).toStartWith(`${GOOD}@1.0.0 has no hash in build/checksums`);
	expect(message).toContain(reason);
	expect(requests).toEqual([]);
});

test.each([GONE, "hivemind-test-good"])("a missing package or version is named: %s", async (name) => {
	const version = name === GONE ? "1.0.0" : "1.0.1";
	const message = await failure(name, version, new Map([[`${name}@${version}`, sha512(tarball(name))]]));
	expect(message).toStartWith(`${name}@${version} is not available from the registry (`);
	expect(message).toMatch(/404/);
	expect(message).not.toContain("\n");
});

describe("build/checksums", () => {
	const committed = committedChecksums();

	test("lists what the targets need, and nothing else; the file is what the script writes", () => {
		expect([...committed.keys()]).toEqual(neededPackages(Bun.version, addonVersions()));
		expect(readFileSync(join(ROOT, "build/checksums"), "utf8")).toBe(formatChecksums(committed));
	});

	test("agrees with bun.lock, and lacks nothing that is in there", () => {
		const lock = readFileSync(join(ROOT, "bun.lock"), "utf8");
		const locked = [...lock.matchAll(/^ +"(@number0\/iroh-[^"]+)": \["([^"]+)", .*"(sha512-[^"]+)"\],$/gm)];
		expect(locked.length).toBeGreaterThan(0);
		for (const [, , id = "", hash = ""] of locked) expect(committed.get(id), id).toBe(hash);
	});

	test.each(["a@1 sha256-aaaa", "a@1", "a sha512-aaaa", "a@1  missing", `a@1 sha512-${"a".repeat(86)}=`])(
		"a line that is not one is refused: %s",
		(line) => {
			expect(() => parseChecksums(`# comment\n${line}\n`)).toThrow(`cannot read '${line}'`);
		},
	);
});

describe("update-checksums.ts", () => {
	const ask = async (name: string, version: string) => (name === GONE ? undefined : `sha512-of-${name}@${version}`);

	test("adds what is new or was missing, drops what is not needed, and never replaces a hash", async () => {
		const old = new Map([
			["@s/kept@1", "the old hash"],
			["@s/found@1", MISSING],
			["@s/unneeded@1", "x"],
		]);
		const needed = ["@s/kept@1", "@s/found@1", "@s/new@2", `${GONE}@1.0.0`];
		const { checksums, added, missing } = await updateChecksums(old, needed, ask);
		expect([...checksums]).toEqual([
			["@s/kept@1", "the old hash"],
			["@s/found@1", "sha512-of-@s/found@1"],
			["@s/new@2", "sha512-of-@s/new@2"],
			[`${GONE}@1.0.0`, MISSING],
		]);
		expect(added).toEqual(["@s/found@1", "@s/new@2"]);
		expect(missing).toEqual([`${GONE}@1.0.0`]);
	});

	test("asks the registry: the hash of what it serves, undefined for what it lacks", async () => {
		expect(await registryIntegrity(GOOD, "1.0.0")).toBe(sha512(tarball(GOOD)));
		expect(await registryIntegrity(GONE, "1.0.0")).toBeUndefined();
	});

	test("fails if the registry's hash is not that of what it serves, or if there is no registry", async () => {
		const message = (work: Promise<unknown>) =>
			work.then(
				() => "",
				(error: Error) => error.message,
			);
		expect(await message(registryIntegrity(BROKEN, "1.0.0"))).toContain("Integrity");
		process.env.BUN_CONFIG_REGISTRY = "http://127.0.0.1:1/";
		try {
			expect(await message(registryIntegrity(GOOD, "1.0.0"))).toContain("is not available from the registry");
		} finally {
			process.env.BUN_CONFIG_REGISTRY = registry.url.href;
		}
	});
});

test("an add-on that the binding does not list is refused", async () => {
	const error = (await addonPackage("@number0/iroh-darwin-x64").catch((error: Error) => error)) as Error;
	expect(error.message).toContain("@number0/iroh does not list @number0/iroh-darwin-x64");
});

test("an installed package has the lockfile's integrity", () => {
	expect(installed("citty")?.integrity).toStartWith("sha512-");
	expect(installed("no-such-package")).toBeUndefined();
});
