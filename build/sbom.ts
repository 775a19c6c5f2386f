// Lists what an executable contains, for people (THIRD_PARTY.md) and for programs (an SBOM in CycloneDX 1.6). Both are
// made from the packages that the bundle's metafile names, so they list exactly what is shipped.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Package } from "./packages.ts";

export interface Contents {
	/** This program. */
	readonly program: { name: string; version: string; license: string };
	/** The name of the target. */
	readonly target: string;
	/** The bundled packages, including the add-on's, sorted by name. */
	readonly packages: readonly Package[];
	/** The package that Bun's executable was taken from. */
	readonly runtime: Pick<Package, "name" | "version" | "integrity">;
	/** The page about Bun's own licence and those of its parts, in Markdown. */
	readonly runtimeLicence: string;
}

/** THIRD_PARTY.md. */
export function thirdParty({ program, target, packages, runtime, runtimeLicence }: Contents): string {
	const rows = packages.map(
		({ name, version, manifest, given }) =>
			`| ${name} | ${version}${given ? ", another build" : ""} | ${manifest.license ?? "unknown"} | ${homeOf(manifest)} |`,
	);
	const texts = packages.map(({ name, version, directory, manifest, given, integrity }) => {
		const text = licenceTexts(directory).join("\n\n");
		const body = text === "" ? noText(name, version, manifest.license ?? "unknown") : fenced(text);
		const note = given ? `Not the registry's file, but another build of it: \`${integrity}\`.\n\n` : "";
		return `## ${name} ${version}\n\n${note}${body}`;
	});
	return [
		"# Third-party software",
		`Contents of ${program.name} ${program.version} for ${target}, as its build found them in the bundle.`,
		[
			"| package | version | licence | home |",
			"|---|---|---|---|",
			`| Bun (${runtime.name}) | ${runtime.version} | MIT, and others below | https://bun.com |`,
			...rows,
		].join("\n"),
		...texts,
		`## Bun ${runtime.version}`,
		runtimeLicence
			.replace(/^---\n.*?\n---\n/s, "")
			.replace(/^##/gm, "###")
			.trim(),
		"",
	].join("\n\n");
}

/** The CycloneDX document. `date` is in seconds since 1970. */
export function cycloneDx({ program, target, packages, runtime }: Contents, date: number): string {
	const subject = `pkg:generic/${program.name}@${program.version}?target=${target}`;
	const components = [
		component({ ...runtime, manifest: { license: "MIT", homepage: "https://bun.com" } }, "platform"),
		...packages.map((one) => component(one, "library")),
	];
	const body = {
		bomFormat: "CycloneDX",
		specVersion: "1.6",
		version: 1,
		metadata: {
			timestamp: new Date(date * 1000).toISOString().replace(".000Z", "Z"),
			component: {
				type: "application",
				"bom-ref": subject,
				name: program.name,
				version: program.version,
				purl: subject,
				licenses: [{ license: { id: program.license } }],
			},
		},
		components,
		dependencies: [{ ref: subject, dependsOn: components.map((one) => one["bom-ref"]) }],
	};
	// The serial number must be unique to the contents; derived from them, it is also reproducible.
	const hash = new Bun.CryptoHasher("sha256").update(JSON.stringify(body)).digest("hex");
	const uuid = `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
	const { bomFormat, specVersion, ...rest } = body;
	return `${JSON.stringify({ bomFormat, specVersion, serialNumber: `urn:uuid:${uuid}`, ...rest }, null, "\t")}\n`;
}

// --- internal ---

type Described = Pick<Package, "name" | "version" | "integrity" | "given"> & { manifest: Partial<Package["manifest"]> };

function component({ name, version, integrity, manifest, given }: Described, type: "library" | "platform") {
	const id = `${name.replace("@", "%40")}@${version}`;
	// Nobody finds a build of one's own in the registry.
	const purl = given ? `pkg:generic/${id}` : `pkg:npm/${id}`;
	const licence = manifest.license;
	return {
		type,
		"bom-ref": purl,
		name,
		version,
		purl,
		...(licence && { licenses: [/\s/.test(licence) ? { expression: licence } : { license: { id: licence } }] }),
		...(integrity && {
			hashes: [{ alg: "SHA-512", content: Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex") }],
		}),
		externalReferences: [{ type: "website", url: homeOf(manifest) }],
	};
}

function homeOf({ name, homepage, repository }: Partial<Package["manifest"]>): string {
	const url = typeof repository === "string" ? repository : repository?.url;
	const github = url && /^(?:github:)?([\w.-]+\/[\w.-]+)$/.exec(url)?.[1];
	if (github) return `https://github.com/${github}`;
	return url?.replace(/^git\+/, "").replace(/\.git$/, "") ?? homepage ?? `https://www.npmjs.com/package/${name}`;
}

function licenceTexts(directory: string): string[] {
	const files = readdirSync(directory).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
	return files.sort().map((file) => readFileSync(join(directory, file), "utf8").trim());
}

const fenced = (text: string) => `\`\`\`\n${text}\n\`\`\``;

/** For packages that name their licence but do not contain its text, as iroh's do. */
function noText(name: string, version: string, licence: string): string {
	if (!name.startsWith("@number0/")) return `${licence}. The package contains no licence text.`;
	return [
		`${licence}. Copyright N0, INC. The package contains no licence text; it is at <https://github.com/n0-computer/iroh-ffi>.`,
		`The add-on is compiled Rust. The crates inside it and their versions are in Cargo.lock of`,
		`the same repository, version ${version}.`,
	].join(" ");
}
