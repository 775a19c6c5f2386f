// Container images are pinned by digest, or a release refuses them. The registry is a small server on loopback that
// wants a token, as Docker Hub does.
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkPins, digestOf, IMAGE_FILES, imagesIn, pinImages } from "../../build/pin-images.ts";
import { ROOT } from "../support/built.ts";

const index = (...cpus: string[]) =>
	JSON.stringify({ manifests: cpus.map((architecture) => ({ platform: { os: "linux", architecture } })) });
const sha256 = (text: string) => `sha256:${new Bun.CryptoHasher("sha256").update(text).digest("hex")}`;

/** What the registry has, by path and tag. */
const MANIFESTS: Record<string, string> = {
	"some/base:1": index("amd64", "arm64"),
	"some/base:2": index("arm64", "amd64", "riscv64"),
	"some/lying:1": index("amd64", "arm64"),
	"some/small:1": index("amd64"),
	"some/single:1": JSON.stringify({ config: {} }),
};

const registry: Bun.Server<undefined> = Bun.serve({
	port: 0,
	hostname: "127.0.0.1",
	fetch(request): Response {
		const url = new URL(request.url);
		if (url.pathname === "/token") return Response.json({ token: `for ${url.searchParams.get("scope")}` });
		const [, path = "", tag = ""] = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(url.pathname) ?? [];
		const scope = `repository:${path}:pull`;
		if (request.headers.get("authorization") !== `Bearer for ${scope}`) {
			const challenge = `Bearer realm="${registry.url.href}token",service="here",scope="${scope}"`;
			return new Response("{}", { status: 401, headers: { "www-authenticate": challenge } });
		}
		const wanted = ([name, body]: [string, string]) =>
			name === `${path}:${tag}` || (name.startsWith(`${path}:`) && sha256(body) === tag);
		const [, body] = Object.entries(MANIFESTS).find(wanted) ?? [];
		if (body === undefined || !request.headers.get("accept")?.includes("index"))
			return new Response("", { status: 404 });
		const digest = path === "some/lying" ? sha256("another") : sha256(body);
		return new Response(body, { headers: { "docker-content-digest": digest } });
	},
});
const host = `127.0.0.1:${registry.port}`;
afterAll(() => registry.stop(true));

const DIGEST = `sha256:${"ab".repeat(32)}`;

describe("an image", () => {
	test("gets the digest of the bytes that the registry has under its tag", async () => {
		expect(await digestOf(`${host}/some/base:1`)).toBe(sha256(MANIFESTS["some/base:1"] as string));
		expect(await digestOf(`${host}/some/base:2`)).toBe(sha256(MANIFESTS["some/base:2"] as string));
	});

	test("is checked by its digest, wherever its tag leads by now", async () => {
		const first = sha256(MANIFESTS["some/base:1"] as string);
		expect(await digestOf(`${host}/some/base:2`, first)).toBe(first);
		expect(digestOf(`${host}/some/base:1`, DIGEST)).rejects.toThrow("the registry answers 404");
	});

	test.each([
		["some/gone:1", "the registry answers 404"],
		["some/lying:1", `the registry says ${sha256("another")}, but sends `],
		["some/small:1", "there is no image for linux/arm64"],
		["some/single:1", "there is no image for linux/amd64"],
	])("%s is refused: %s", async (name, why) => {
		const error = await digestOf(`${host}/${name}`).catch((error: Error) => error);
		expect((error as Error).message).toStartWith(`${host}/${name}: ${why}`);
	});
});

const DOCKERFILE = `# syntax=docker/dockerfile:1
FROM scratch AS amd64
FROM --platform=linux/amd64 debian:12-slim AS tools
FROM \${TARGETARCH} AS program
# FROM commented/out:1
COPY --chmod=755 --from=ghcr.io/some/tool:1 /tool /
FROM gcr.io/distroless/cc-debian12:nonroot@${DIGEST}
COPY --from=program /hivemind-p2p /
`;
const WORKFLOW = `env:
  BUILDKIT: moby/buildkit:buildx-stable-1
jobs:
  try:
    strategy:
      matrix:
        include:
          - image: alpine:3.22
          - name: Debian
            image: debian:12-slim # a comment
    env:
      IMAGE: \${{ matrix.image }}
      image: \${{ matrix.image }}
`;

describe("a file", () => {
	const names = (text: string) => imagesIn(text).map(({ name, digest }) => [name, digest]);

	test("names its images: not its stages, scratch, variables or comments", () => {
		expect(names(DOCKERFILE)).toEqual([
			["docker/dockerfile:1", undefined],
			["debian:12-slim", undefined],
			["ghcr.io/some/tool:1", undefined],
			["gcr.io/distroless/cc-debian12:nonroot", DIGEST],
		]);
		expect(names(WORKFLOW)).toEqual([
			["moby/buildkit:buildx-stable-1", undefined],
			["alpine:3.22", undefined],
			["debian:12-slim", undefined],
		]);
	});

	test.each([DOCKERFILE, WORKFLOW])("is pinned without any other change, and pinned again", async (text) => {
		expect(() => checkPins({ file: text })).toThrow("not pinned by digest: ");
		const pinned = await pinImages(text, async (name) => sha256(name));
		expect(() => checkPins({ file: pinned })).not.toThrow();
		for (const { name, digest } of imagesIn(pinned)) expect(digest).toBe(sha256(name));
		expect(pinned.replace(/@sha256:[0-9a-f]{64}/g, "")).toBe(text.replace(/@sha256:[0-9a-f]{64}/g, ""));
		expect(await pinImages(pinned, async () => DIGEST)).toBe(pinned.replace(/@sha256:[0-9a-f]{64}/g, `@${DIGEST}`));
	});

	test("with an image that is not pinned is named, and how to pin it", () => {
		expect(() => checkPins({ Dockerfile: `FROM a/b:1@${DIGEST}\nFROM c/d:2\n` })).toThrow(
			"not pinned by digest: c/d:2 (Dockerfile). Run: bun build/pin-images.ts",
		);
		// A digest cut short is none.
		expect(() => checkPins({ Dockerfile: `FROM a/b:1@${DIGEST.slice(0, -1)}\n` })).toThrow();
	});
});

test("the repository's files name the images that there are, and no frontend for the Dockerfile", () => {
	const [dockerfile = "", workflow = ""] = IMAGE_FILES.map((path) => readFileSync(join(ROOT, path), "utf8"));
	expect(imagesIn(dockerfile).map(({ name }) => name)).toEqual(["gcr.io/distroless/cc-debian12:nonroot"]);
	expect(dockerfile).not.toMatch(/^# *syntax *=/m);
	const tried = ["debian:12-slim", "ubuntu:22.04", "alpine:3.22"];
	expect(imagesIn(workflow).map(({ name }) => name)).toEqual(["moby/buildkit:buildx-stable-1", ...tried]);
});
