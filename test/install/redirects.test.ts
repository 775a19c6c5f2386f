// install.sh from https: neither a redirect to plain http nor a server that is not the one it claims to be leads to an
// installation. A TLS server on loopback with a CA of its own, which the download programs are told to trust.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Place, program, SCRIPT, serve, smallRelease } from "../support/installer.ts";

const openssl = Bun.which("openssl") !== null;
if (!openssl) console.log("Skipped: install.sh from https, which needs openssl to make certificates.");

/** Download programs, the name under which install.sh finds each, its command, and another program in PATH. */
const FETCHERS = (
	[
		["curl", "curl", ["curl"], "true"],
		["GNU Wget", "wget", ["wget"], "true"],
		["GNU Wget2", "wget", ["wget2"], "true"],
		// Debian's checks certificates if openssl is there, and without it does not.
		["BusyBox's wget", "wget", ["busybox", "wget"], "true"],
		["BusyBox's wget and openssl", "wget", ["busybox", "wget"], "openssl"],
	] as const
).filter(([name, , [file]]) => {
	const here = Bun.which(file) !== null;
	if (!here) console.log(`Skipped: install.sh from https with ${name}, which is not installed.`);
	return here;
});
type Fetcher = (typeof FETCHERS)[number];
const GOOD = FETCHERS.filter(([name]) => !name.startsWith("BusyBox"));

const ARCHIVE = "hivemind-p2p-linux-x64.tar.gz";
const evil = smallRelease("6.6.6");
const good = smallRelease("1.1.0");

let folder: string;

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "hivemind-tls-"));
	if (!openssl) return;
	const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
	const make = (...args: string[]) => {
		const ran = Bun.spawnSync(["openssl", ...args], { cwd: folder });
		if (ran.exitCode !== 0) throw new Error(ran.stderr.toString());
	};
	make("req", "-x509", ...curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA");
	writeFileSync(join(folder, "names"), "subjectAltName=DNS:localhost\n");
	make("req", ...curve.slice(0, -2), "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=localhost");
	const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"];
	make("x509", "-req", "-in", "request.pem", ...signed, "-out", "certificate.pem");
	writeFileSync(join(folder, "wgetrc"), `ca_certificate = ${join(folder, "ca.pem")}\n`);
	writeFileSync(join(folder, "wget2rc"), `ca-certificate = ${join(folder, "ca.pem")}\n`);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A TLS server for localhost. `answer` gets the path without its slash and the server's own address. */
function serveTls(answer: (path: string, own: string) => Response) {
	const requests: string[] = [];
	const server: Bun.Server<undefined> = Bun.serve({
		port: 0,
		hostname: "127.0.0.1",
		tls: {
			key: readFileSync(join(folder, "key.pem"), "utf8"),
			cert: readFileSync(join(folder, "certificate.pem"), "utf8"),
		},
		fetch: (request): Response => {
			const path = new URL(request.url).pathname.slice(1);
			requests.push(path);
			return answer(path, `localhost:${server.port}`);
		},
	});
	return { url: `https://localhost:${server.port}`, requests, [Symbol.asyncDispose]: () => server.stop(true) };
}

const redirect = (location: string) => new Response("moved", { status: 302, headers: { location } });
const file = (path: string) => {
	const body = good[path];
	return body === undefined ? new Response("not here", { status: 404 }) : new Response(Buffer.from(body));
};

/** A home directory in which 1.0.0 is installed, and this download program in PATH. */
function installed([, name, command, beside]: Fetcher): Place {
	const place = new Place({ download: beside });
	place.fake(name, `exec ${command.map((word, i) => (i === 0 ? Bun.which(word) : word)).join(" ")} "$@"`);
	mkdirSync(place.directory, { recursive: true });
	writeFileSync(place.program, program("1.0.0"), { mode: 0o755 });
	return place;
}

/** Everything trusts the CA, unless told otherwise. */
function install(place: Place, url: string, { trusting = true, script = SCRIPT } = {}) {
	const ca = join(folder, "ca.pem");
	const trust = {
		CURL_CA_BUNDLE: ca,
		SSL_CERT_FILE: ca,
		WGETRC: join(folder, "wgetrc"),
		WGET2RC: join(folder, "wget2rc"),
	};
	const env = { HIVEMIND_P2P_TARGET: "linux-x64", ...(trusting && trust) };
	return place.run(["--base-url", url], { env, script });
}

/** Nothing changed and nothing was left behind. Both kinds of GNU wget keep notes of their own about TLS. */
function expectUntouched(place: Place): void {
	expect(readFileSync(place.program)).toEqual(program("1.0.0"));
	const left = place.left().filter((path) => !/^\.wget-|^\.local\/share/.test(path));
	expect(left).toEqual([".local", ".local/bin", ".local/bin/hivemind-p2p"]);
}

describe.skipIf(!openssl)("https", () => {
	describe.each(FETCHERS)("with %s", (...fetcher) => {
		test("that redirects to plain http: nothing is asked for there, and nothing is installed", async () => {
			await using plain = serve(evil);
			await using server = serveTls((path) => redirect(`${plain.url}/${path}`));
			await using place = installed(fetcher);
			const ran = await install(place, server.url);
			expect(ran).toMatchObject({ status: 1, stdout: "" });
			expect(ran.stderr).not.toBe("");
			expect(plain.requests).toEqual([]);
			expectUntouched(place);
		});

		test("that redirects only the archive to plain http, behind a redirect within https", async () => {
			await using plain = serve(evil);
			await using server = serveTls((path, own) => {
				if (path === ARCHIVE) return redirect(`https://${own}/elsewhere/${path}`);
				return path === `elsewhere/${ARCHIVE}` ? redirect(`${plain.url}/${ARCHIVE}`) : file(path);
			});
			await using place = installed(fetcher);
			expect(await install(place, server.url)).toMatchObject({ status: 1 });
			expect(plain.requests).toEqual([]);
			expectUntouched(place);
		});

		test("from a server whose certificate nobody trusts", async () => {
			await using server = serveTls(file);
			await using place = installed(fetcher);
			expect(await install(place, server.url, { trusting: false })).toMatchObject({ status: 1, stdout: "" });
			expect(server.requests).toEqual([]);
			expectUntouched(place);
		});
	});

	describe.each(GOOD)("with %s", (...fetcher) => {
		test.each([
			["an absolute address", (path: string, own: string) => `https://${own}/there/${path}`],
			["another host's path", (path: string, own: string) => `//${own}/there/${path}`],
			["a path", (path: string) => `/there/${path}`],
		])("that redirects within https to %s: is installed, as from GitHub", async (_, to) => {
			await using server = serveTls((path, own) => {
				if (path.startsWith("there/")) return redirect(`https://${own}/last/${path.slice(6)}`);
				return path.startsWith("last/") ? file(path.slice(5)) : redirect(to(path, own));
			});
			await using place = installed(fetcher);
			const ran = await install(place, server.url);
			expect(ran).toMatchObject({ status: 0, stderr: "" });
			expect(readFileSync(place.program)).toEqual(program("1.1.0"));
		});

		test("that redirects for ever", async () => {
			await using server = serveTls((path) => redirect(`/${path}`));
			await using place = installed(fetcher);
			const ran = await install(place, server.url);
			expect(ran).toMatchObject({ status: 1, stderr: expect.stringMatching(/Cannot download|in a circle/) });
			expectUntouched(place);
		});

		test.each(["ftp://127.0.0.1:1/x", "file:///etc/passwd", "HTTP://127.0.0.1:1/x", "javascript:0"])(
			"that redirects to %s",
			async (location) => {
				await using server = serveTls(() => redirect(location));
				await using place = installed(fetcher);
				expect(await install(place, server.url)).toMatchObject({ status: 1, stdout: "" });
				expectUntouched(place);
			},
		);
	});

	test("with GNU Wget: says that the redirect is why, without the address, which is a stranger's text", async () => {
		const gnu = FETCHERS.find(([name]) => name === "GNU Wget");
		if (!gnu) return;
		await using server = serveTls(() => redirect("http://127.0.0.1:1/\x1b[31mred"));
		await using place = installed(gnu);
		const { stderr } = await install(place, server.url);
		expect(stderr).toBe(
			`install.sh: ${server.url}/SHA256SUMS redirects to an address that is not https. Nothing was installed.\n`,
		);
	});

	test("with BusyBox's wget: says why not and what to install, and asks for nothing", async () => {
		const busybox = FETCHERS.find(([name]) => name === "BusyBox's wget");
		if (!busybox) return;
		await using server = serveTls(file);
		await using place = installed(busybox);
		const { status, stderr } = await install(place, server.url);
		expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining("apk add curl") });
		expect(server.requests).toEqual([]);
		expectUntouched(place);
	});
});

test.each(["HTTPS://localhost:1", "ftp://localhost:1", "localhost:1", "file:///tmp"])(
	"%s, which curl and wget would understand in their own ways, is refused",
	async (url) => {
		await using place = new Place();
		const ran = await place.run(["--base-url", url], { env: { HIVEMIND_P2P_TARGET: "linux-x64" } });
		expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining("neither https:// nor http://") });
		expect(place.left()).toEqual([".local", ".local/bin"]);
	},
);
