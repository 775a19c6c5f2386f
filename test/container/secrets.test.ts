// Identity files as container engines mount them: Kubernetes' Secrets are links in a sticky tmpfs of root's, Docker's are
// files of the host's or of root's. Each is laid out in a mount namespace of its own and read by the executable.
import { describe, expect, test } from "bun:test";
import { EXIT_STATUS } from "../../src/base/errors.ts";
import { encodeIdentity } from "../../src/invite/identity.ts";
import { type Finished, run } from "../support/executable.ts";

/** The file that is mounted. The image's user is 65532. */
const SECRET = encodeIdentity({ key: new Uint8Array(32).fill(7), secret: "a".repeat(26) });
const GROUP = 2000;

/** `$secret` is written to /mnt/hub.key as a volume plugin does it; what follows is its owner and its mode. */
const KUBERNETES = `
	mount -t tmpfs -o mode=1777 tmpfs /mnt
	mkdir /mnt/..2026_01_01
	printf %s "$secret" >/mnt/..2026_01_01/hub.key
	ln -s ..2026_01_01 /mnt/..data
	ln -s ..data/hub.key /mnt/hub.key`;
const DOCKER = `
	mount -t tmpfs -o mode=755 tmpfs /mnt
	printf %s "$secret" >/mnt/hub.key`;

interface Mount {
	layout: string;
	owner: string;
	mode: string;
	user: number;
	/** A further group of the process. */
	group?: number;
}

/** `hivemind-p2p identity /mnt/hub.key` there, everything mounted read-only. */
function read({ layout, owner, mode, user, group }: Mount, ...more: string[]): Promise<Finished> {
	// Docker leaves root the capability to read every file.
	const capabilities = user === 0 ? "" : "--bounding-set=-all";
	const groups = group === undefined ? "--clear-groups" : `--groups=${group}`;
	const script = `set -eu
		${layout}
		chown ${owner} /mnt/hub.key
		chmod ${mode} /mnt/hub.key
		mount -o remount,ro /mnt
		exec setpriv --reuid=${user} --regid=${user} ${groups} ${capabilities} --no-new-privs "$0" "$@"`;
	return run(["identity", "/mnt/hub.key", ...more], {
		wrapper: ["unshare", "--mount", "sh", "-c", script],
		env: { secret: SECRET },
	});
}

const tried = process.platform === "linux" ? Bun.spawnSync(["unshare", "--mount", "setpriv", "true"]) : undefined;
const allowed = tried?.exitCode === 0;
if (!allowed)
	console.log(`Skipped: mounted secrets; ${tried?.stderr.toString().trim() || "they need Linux namespaces"}.`);

describe.skipIf(!allowed)("a mounted identity is read", () => {
	test.each<[string, Mount]>([
		[
			"from a Secret of Kubernetes with fsGroup and defaultMode 0440",
			{ layout: KUBERNETES, owner: `0:${GROUP}`, mode: "440", user: 65_534, group: GROUP },
		],
		[
			"from a Secret of Kubernetes with defaultMode 0400, by root",
			{ layout: KUBERNETES, owner: "0:0", mode: "400", user: 0 },
		],
		[
			"from a file on the host that has been given to the container's user",
			{ layout: DOCKER, owner: "65532:0", mode: "600", user: 65_532 },
		],
		[
			"from a secret of Docker Swarm or Podman with uid and mode",
			{ layout: DOCKER, owner: "65532:65532", mode: "400", user: 65_532 },
		],
		[
			"from a secret of Docker Swarm or Podman with gid and mode",
			{ layout: DOCKER, owner: "0:65532", mode: "440", user: 65_532 },
		],
	])("%s", async (_, mount) => {
		const finished = await read(mount);
		expect(finished).toMatchObject({ status: 0, stderr: "" });
		expect(finished.stdout).toMatch(/^[0-9a-f]{64}\n$/);
		expect(await read(mount, "--rotate")).toMatchObject({
			status: EXIT_STATUS.identity.status,
			stderr: expect.stringMatching(/ cannot be (changed|written)/),
		});
	});
});

describe.skipIf(!allowed)("a mounted identity is refused, with what to do about it", () => {
	test.each<[string, Mount, RegExp]>([
		[
			"a Secret of Kubernetes with its default mode",
			{ layout: KUBERNETES, owner: `0:${GROUP}`, mode: "644", user: 65_534, group: GROUP },
			/belongs to root, but others can read or change it\. .*defaultMode and fsGroup/,
		],
		[
			"a Secret of Kubernetes without fsGroup",
			{ layout: KUBERNETES, owner: "0:0", mode: "400", user: 65_534 },
			/cannot be opened: permission denied\. .*runs as uid 65534: .* or root must, with a group/,
		],
		[
			"a secret of Docker Swarm with its default mode",
			{ layout: DOCKER, owner: "0:0", mode: "444", user: 65_532 },
			/belongs to root, but others can read or change it\. .*uid, gid and mode/,
		],
		[
			"a file on the host that belongs to a user of the host",
			{ layout: DOCKER, owner: "1000:1000", mode: "600", user: 65_532 },
			/cannot be opened: permission denied\. .*runs as uid 65532: that user must own the file/,
		],
		[
			"the same, by root",
			{ layout: DOCKER, owner: "1000:1000", mode: "600", user: 0 },
			/belongs to another user \(uid 1000\)\. .*chown 0 \/mnt\/hub\.key/,
		],
		[
			"links like those of Kubernetes that another user has made",
			{ layout: `${KUBERNETES}\nchown -h 1000 /mnt/hub.key`, owner: "0:0", mode: "400", user: 0 },
			/is a symbolic link\. Name the file itself/,
		],
	])("%s", async (_, mount, message) => {
		const finished = await read(mount);
		expect(finished).toMatchObject({ status: EXIT_STATUS.identity.status, stdout: "" });
		expect(finished.stderr).toMatch(message);
	});
});
