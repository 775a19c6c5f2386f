// Pins container images by digest, in the files that name any: `bun build/pin-images.ts` asks the registries where each
// tag leads today and writes that down; with `--check` it asks whether they still have what is written down. A release
// refuses images that are not pinned (release.ts).
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

/** The files that name images: the one that is built from, and the one that builds and tries it. */
export const IMAGE_FILES = ["Dockerfile", ".github/workflows/release.yml"] as const;

/** A reference to an image: what it is called, and the digest if it is pinned. */
export interface Image {
	/** "registry/path:tag". */
	readonly name: string;
	/** "sha256:…" */
	readonly digest: string | undefined;
}

/** The images that a Dockerfile or a workflow names, each once. Stages, "scratch" and variables are not images. */
export function imagesIn(text: string): Image[] {
	const found = new Map<string, Image>();
	eachImage(text, (image) => {
		found.set(`${image.name}@${image.digest}`, image);
		return image;
	});
	return [...found.values()];
}

/** The text with a digest for each image; `resolve` returns the one of a name. */
export async function pinImages(text: string, resolve: (name: string) => Promise<string>): Promise<string> {
	const digests = new Map<string, string>();
	for (const { name } of imagesIn(text)) digests.set(name, await resolve(name));
	return eachImage(text, ({ name }) => ({ name, digest: digests.get(name) }));
}

/** @throws Error that names the images without a digest */
export function checkPins(files: Readonly<Record<string, string>>): void {
	const open = Object.entries(files).flatMap(([file, text]) =>
		imagesIn(text).flatMap(({ name, digest }) => (digest ? [] : [`${name} (${file})`])),
	);
	if (open.length > 0) throw new Error(`not pinned by digest: ${open.join(", ")}. Run: bun build/pin-images.ts`);
}

/**
 * The digest of what a registry has under a tag or a digest: an index with images for x64 and arm64. It is computed from
 * the bytes, not believed. @throws Error
 */
export async function digestOf(name: string, digest?: string): Promise<string> {
	const { url, tag } = locate(name);
	const response = await authorized(`${url}/manifests/${digest ?? tag}`);
	if (!response.ok) throw new Error(`${name}: the registry answers ${response.status}`);
	const body = await response.bytes();
	const found = `sha256:${new Bun.CryptoHasher("sha256").update(body).digest("hex")}`;
	const claimed = digest ?? response.headers.get("docker-content-digest") ?? found;
	if (claimed !== found) throw new Error(`${name}: the registry says ${claimed}, but sends ${found}`);
	const index = JSON.parse(new TextDecoder().decode(body)) as { manifests?: { platform?: Record<string, string> }[] };
	for (const cpu of ["amd64", "arm64"]) {
		if (!index.manifests?.some(({ platform }) => platform?.os === "linux" && platform.architecture === cpu)) {
			throw new Error(`${name}: there is no image for linux/${cpu}`);
		}
	}
	return found;
}

// --- internal ---

/** In a Dockerfile `FROM x`, `COPY --from=x` and `# syntax=x`; in a workflow `image: x` and `BUILDKIT: x`. */
const MENTION =
	/^(FROM(?: --\S+)* |COPY .*--from=|# *syntax=|\s+(?:- )?(?:image|BUILDKIT): )([\w][\w./:-]*)(?:@(\S+))?/gm;

const KINDS = [
	"application/vnd.oci.image.index.v1+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
].join(", ");

function eachImage(text: string, change: (image: Image) => Image): string {
	const stages = new Set([...text.matchAll(/^FROM .* AS (\S+)/gm)].map(([, stage]) => stage));
	return text.replace(MENTION, (whole, before: string, name: string, pin = "") => {
		if (name === "scratch" || stages.has(name)) return whole;
		const image = change({ name, digest: /^sha256:[0-9a-f]{64}$/.test(pin) ? pin : undefined });
		return `${before}${image.name}${image.digest ? `@${image.digest}` : ""}`;
	});
}

/** As docker reads a name: without a host it is Docker Hub's, and there without a slash one of its library. */
function locate(name: string): { url: string; tag: string } {
	const [, path = "", tag = "latest"] = /^(.+?)(?::([\w][\w.-]*))?$/.exec(name) ?? [];
	const [first = "", ...rest] = path.split("/");
	const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
	if (hasHost) {
		const local = /^(localhost|127\.0\.0\.1)(:|$)/.test(first);
		return { url: `${local ? "http" : "https"}://${first}/v2/${rest.join("/")}`, tag };
	}
	return { url: `https://registry-1.docker.io/v2/${rest.length > 0 ? path : `library/${path}`}`, tag };
}

/** A GET; if the registry asks for it, with the token that it gives to everybody. */
async function authorized(url: string): Promise<Response> {
	const first = await fetch(url, { headers: { accept: KINDS }, keepalive: false });
	const challenge = first.status === 401 ? first.headers.get("www-authenticate") : null;
	if (!challenge) return first;
	const { realm, ...query } = Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, k, v]) => [k, v]));
	const answer = await fetch(`${realm}?${new URLSearchParams(query)}`, { keepalive: false });
	const { token, access_token } = (await answer.json()) as { token?: string; access_token?: string };
	const authorization = `Bearer ${token ?? access_token}`;
	return fetch(url, { headers: { accept: KINDS, authorization }, keepalive: false });
}

async function main(): Promise<void> {
	const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
	for (const file of IMAGE_FILES) {
		const path = join(import.meta.dir, "..", file);
		const text = readFileSync(path, "utf8");
		if (values.check) {
			checkPins({ [file]: text });
			for (const { name, digest } of imagesIn(text)) {
				await digestOf(name, digest);
				console.log(`${name} ${digest}${(await digestOf(name)) === digest ? "" : ": the tag has moved on since"}`);
			}
		} else {
			const pinned = await pinImages(text, digestOf);
			writeFileSync(path, pinned);
			for (const { name, digest } of imagesIn(pinned)) console.log(`${file}: ${name}@${digest}`);
		}
	}
}

if (import.meta.main) {
	await main().catch((error: Error) => {
		console.error(`pin-images.ts: ${error.message}`);
		process.exitCode = 1;
	});
}
