// What a release derives from the repository's name in package.json: the Homebrew formula and the published install.sh.
import { archiveName } from "./targets.ts";

export interface Project {
	readonly version: string;
	/** "owner/name". */
	readonly repository: string;
}

/** The targets that Homebrew supports, with its names for them. There is none for Intel Macs (targets.ts). */
const BREW = [
	{ target: "darwin-arm64", os: "on_macos", cpu: "on_arm" },
	{ target: "linux-x64", os: "on_linux", cpu: "on_intel" },
	{ target: "linux-arm64", os: "on_linux", cpu: "on_arm" },
] as const;

/** "owner/name" from package.json's `repository`. @throws Error unless it has the form "github:owner/name" */
export function repositoryOf(field: string | undefined): string {
	const name = /^github:([\w.-]+\/[\w.-]+)$/.exec(field ?? "")?.[1];
	if (!name) throw new Error(`package.json's repository is '${field}', not 'github:owner/name'`);
	return name;
}

/** The formula, and the targets it lacks because the checksums do not list them. @throws Error if it lacks all */
export function formula({ version, repository }: Project, sums: string): { text: string; missing: string[] } {
	const known = new Map(sums.split("\n").map((line) => [line.slice(66), line.slice(0, 64)] as const));
	const has = (target: string) => known.has(archiveName(target));
	const missing = BREW.filter(({ target }) => !has(target)).map(({ target }) => target);
	if (missing.length === BREW.length) throw new Error("SHA256SUMS lists no archive that Homebrew could install");
	const systems = [...new Set(BREW.map(({ os }) => os))].flatMap((os) => {
		const blocks = BREW.filter((row) => row.os === os && has(row.target)).map(({ target, cpu }) => {
			const file = archiveName(target);
			const url = `https://github.com/${repository}/releases/download/v${version}/${file}`;
			return [`    ${cpu} do`, `      url "${url}"`, `      sha256 "${known.get(file)}"`, "    end"].join("\n");
		});
		if (blocks.length === 0) return [];
		// Without this, an Intel Mac would only be told that there is no url.
		const arm = os === "on_macos" ? ["    depends_on arch: :arm64", ""] : [];
		return [[`  ${os} do`, ...arm, blocks.join("\n"), "  end", ""].join("\n")];
	});
	const text = `# Made by \`bun build.ts --formula\` from the release's SHA256SUMS. Do not edit.
class HivemindP2p < Formula
  desc "Peer-to-peer port forwarding for a development stack"
  homepage "https://github.com/${repository}"
  version "${version}"
  license "MIT"

${systems.join("\n")}
  def install
    bin.install "hivemind-p2p"
    generate_completions_from_executable(bin/"hivemind-p2p", "completions")
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/hivemind-p2p --version")
    system bin/"hivemind-p2p", "demo", "--once"
  end
end
`;
	return { text, missing };
}

/** install.sh with its one placeholder filled in. @throws Error unless it has exactly one */
export function installer(template: string, { repository }: Project): string {
	const parts = template.split("@REPOSITORY@");
	if (parts.length !== 2) throw new Error("install.sh must contain @REPOSITORY@ exactly once");
	return parts.join(repository);
}
