// install.sh when something is wrong: what it says, its exit status, and that an installed program stays untouched.
import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checksums, tarGz } from "../../build/archive.ts";
import { type Files, Place, program, serve, serveCut, smallRelease } from "../support/installer.ts";

const env = { HIVEMIND_P2P_TARGET: "linux-x64" };
const ARCHIVE = "hivemind-p2p-linux-x64.tar.gz";
const fetchers = ["curl", "wget"].filter((name) => Bun.which(name) !== null);

/** A home directory in which 1.0.0 is installed. */
function installed(options?: ConstructorParameters<typeof Place>[0]): Place {
	const place = new Place(options);
	mkdirSync(place.directory, { recursive: true });
	writeFileSync(place.program, program("1.0.0"), { mode: 0o755 });
	return place;
}

/** Nothing changed and nothing was left behind. */
function expectUntouched(place: Place): void {
	expect(place.left()).toEqual([".local", ".local/bin", ".local/bin/hivemind-p2p"]);
	expect(readFileSync(place.program)).toEqual(program("1.0.0"));
}

const packed = (members: Parameters<typeof tarGz>[0]): Files => {
	const archive = tarGz(members, 0);
	return { [ARCHIVE]: archive, SHA256SUMS: checksums([{ name: ARCHIVE, data: archive }]) };
};

const good = smallRelease("1.1.0");
const sums = String(good.SHA256SUMS);

const BAD: [what: string, files: Files, status: number, said: RegExp][] = [
	["a wrong checksum", { ...good, [ARCHIVE]: smallRelease("6.6.6")[ARCHIVE] as Uint8Array }, 4, /checksum .* is wrong/],
	["no SHA256SUMS", { [ARCHIVE]: good[ARCHIVE] as Uint8Array }, 1, /Cannot download .*SHA256SUMS/],
	["no archive", { SHA256SUMS: sums }, 1, /Cannot download .*tar\.gz \(available versions: https:.*releases\)/],
	["an empty SHA256SUMS", { ...good, SHA256SUMS: "" }, 4, /does not list/],
	["SHA256SUMS of other files", { ...good, SHA256SUMS: sums.replaceAll(ARCHIVE, `x${ARCHIVE}`) }, 4, /does not list/],
	["names as patterns", { ...good, SHA256SUMS: sums.replaceAll(".tar.gz", "xtarxgz") }, 4, /does not list/],
	["a checksum cut short", { ...good, SHA256SUMS: sums.replace(/^.{10}/gm, "") }, 4, /does not list/],
	["a page instead of SHA256SUMS", { ...good, SHA256SUMS: "<html>\n" }, 4, /does not list/],
	[
		"an archive that is not an archive",
		{ ...good, [ARCHIVE]: "no", SHA256SUMS: checksums([{ name: ARCHIVE, data: Buffer.from("no") }]) },
		1,
		/Cannot unpack/,
	],
	["an archive without the program", packed([{ name: "LICENSE", data: Buffer.from("MIT") }]), 1, /Cannot unpack/],
	[
		"a program that does not start",
		packed([
			{ name: "hivemind-p2p", data: Buffer.from("#!/bin/sh\necho no libfoo >&2; exit 127\n"), executable: true },
		]),
		1,
		/does not start; nothing was changed:\nno libfoo\n/,
	],
];

describe.each(fetchers)("with %s", (download) => {
	test.each(BAD)("%s", async (_what, files, status, said) => {
		await using server = serve(files);
		await using place = installed({ download });
		const ran = await place.run(["--base-url", server.url], { env });
		expect(ran).toMatchObject({ status, stderr: expect.stringMatching(said) });
		expectUntouched(place);
	});

	test.each(["SHA256SUMS", ARCHIVE])(
		"a download of %s that is cut short",
		async (path) => {
			await using server = serveCut(good, path);
			await using place = installed({ download });
			const ran = await place.run(["--base-url", server.url], { env });
			expect(ran).toMatchObject({
				status: 1,
				stderr: expect.stringContaining(`Cannot download ${server.url}/${path}`),
			});
			expectUntouched(place);
		},
		30_000,
	);

	test("a server that does not exist", async () => {
		const server = serve({});
		await server[Symbol.asyncDispose]();
		await using place = installed({ download });
		const ran = await place.run(["--base-url", server.url], { env });
		expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining("Cannot download") });
		expectUntouched(place);
	}, 30_000);
});

test("another version than the one asked for", async () => {
	await using server = serve(good);
	await using place = installed();
	const ran = await place.run(["--base-url", server.url, "--version", "1.2.0"], { env });
	expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining("contains version 1.1.0, not 1.2.0") });
	expectUntouched(place);
});

test("an archive with ../ in its names, or with a link in place of the program", async () => {
	await using place = installed();
	for (const name of ["../evil", "../../evil", "/tmp/hivemind-evil", "new/../../evil"]) {
		const members = [{ name, data: Buffer.from("evil") }];
		await using server = serve(smallRelease("1.1.0", { members }));
		await using other = new Place();
		const ran = await other.run(["--base-url", server.url], { env });
		expect(ran).toMatchObject({ status: 0, stderr: "" });
		expect(other.left()).toEqual([".local", ".local/bin", ".local/bin/hivemind-p2p"]);
		expect(await Bun.file("/tmp/hivemind-evil").exists()).toBe(false);
	}
	// A symbolic link: type 2, with its target in the header.
	const link = Buffer.from(Bun.gunzipSync(Buffer.from(tarGz([{ name: "hivemind-p2p", data: Buffer.alloc(0) }], 0))));
	link.write("2/bin/true", 156);
	link.write("        ", 148);
	const sum = link.subarray(0, 512).reduce((total, byte) => total + byte, 0);
	link.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
	const archive = Bun.gzipSync(link);
	await using server = serve({ [ARCHIVE]: archive, SHA256SUMS: checksums([{ name: ARCHIVE, data: archive }]) });
	const ran = await place.run(["--base-url", server.url], { env });
	expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining("does not contain the program") });
	expectUntouched(place);
});

describe("a system without", () => {
	test("curl and wget", async () => {
		await using place = installed({ download: "true" });
		const ran = await place.run(["--base-url", "http://127.0.0.1:1"], { env });
		expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining("Neither curl nor wget") });
		expectUntouched(place);
	});

	test("any tool for SHA-256: stops, and leaves nothing", async () => {
		await using server = serve(good);
		await using place = new Place({ without: ["sha256sum"] });
		const ran = await place.run(["--base-url", server.url], { env });
		expect(ran).toMatchObject({
			status: 4,
			stderr: expect.stringContaining("Neither sha256sum, shasum nor openssl"),
		});
		expect(place.left()).toEqual([".local", ".local/bin"]);
	});

	test.each([
		["shasum", `shift 2; exec ${Bun.which("sha256sum")}`],
		["openssl", `[ "$*" = "dgst -sha256 -r" ] && exec ${Bun.which("sha256sum")} -b`],
	])("sha256sum: uses %s instead", async (name, script) => {
		await using server = serve(good);
		await using place = new Place({ without: ["sha256sum"] });
		place.fake(name, script);
		expect(await place.run(["--base-url", server.url], { env })).toMatchObject({ status: 0, stderr: "" });
	});

	test("a curl that may write here: a snap's curl is not used", async () => {
		await using server = serve(good);
		await using place = new Place({ download: "wget" });
		const snap = join(place.path, "snap/bin");
		mkdirSync(snap, { recursive: true });
		writeFileSync(join(snap, "curl"), "#!/bin/sh\nexit 23\n", { mode: 0o755 });
		const PATH = `${snap}:${place.bin}`;
		expect(await place.run(["--base-url", server.url], { env: { ...env, PATH } })).toMatchObject({ status: 0 });
	});

	test("HOME", async () => {
		await using place = new Place();
		const ran = await place.run([], { env: { ...env, HOME: "" } });
		expect(ran).toMatchObject({
			status: 1,
			stderr: expect.stringContaining("HOME is not set. Choose a directory with --dir."),
		});
	});
});

describe("a directory", () => {
	const nobody = [Bun.which("setpriv") ?? "", "--reuid=65534", "--regid=65534", "--clear-groups"];
	const asRoot = process.getuid?.() === 0 && Bun.which("setpriv") !== null;
	if (!asRoot)
		console.log("The unwritable directory is tested as the current user: this is not root, or setpriv is missing.");
	const wrapper = asRoot ? nobody : [];

	test("that is not writable: names the command that helps", async () => {
		await using server = serve(good);
		await using place = new Place();
		const directory = join(place.home, "locked");
		mkdirSync(directory, { mode: 0o555 });
		const ran = await place.run(["--base-url", server.url, "--dir", directory], { env, wrapper });
		expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining(`sudo chown "$USER" '${directory}'`) });
		expect(server.requests).toEqual([]);
		expect(place.left()).toEqual(["locked"]);
	});

	test("that cannot be created", async () => {
		await using place = new Place();
		const ran = await place.run(["--base-url", "http://127.0.0.1:1", "--dir", "/dev/null/x"], { env });
		expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining("Cannot create /dev/null/x") });
	});

	test("in which the program's name is a directory", async () => {
		await using place = new Place();
		mkdirSync(place.program, { recursive: true });
		const ran = await place.run(["--base-url", "http://127.0.0.1:1"], { env });
		expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining(`${place.program} is a directory`) });
	});
});

test.each([
	[["--frobnicate"], "Unknown option '--frobnicate'"],
	[["extra"], "Unknown option 'extra'"],
	[["--dir"], "--dir needs a value"],
	[["--version", ""], "--version needs a value"],
])("%p is a usage error", async (args, said) => {
	await using place = new Place();
	expect(await place.run(args, { env })).toMatchObject({ status: 2, stderr: expect.stringContaining(said) });
	expect(place.left()).toEqual([]);
});
