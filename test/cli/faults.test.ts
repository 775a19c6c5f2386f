// A bug that nothing catches, injected from outside: it is reported as a bug, the other side is told, and the exit
// status is 1. The program runs from its sources, because nothing can be preloaded into the executable.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { EXIT_STATUS } from "../../src/base/errors.ts";
import { get, hub, peer, serve, withoutWaiting } from "./terminals.ts";

const FAULT = join(import.meta.dir, "../support/fault.ts");
const MAIN = join(import.meta.dir, "../../src/main.ts");

const faulty = (kind: string) => ({
	env: { FAULT: kind },
	// $0 is the executable, which this takes the place of.
	wrapper: ["sh", "-c", `exec '${process.execPath}' --preload '${FAULT}' '${MAIN}' "$@"`],
});
const LINE = "error: This is a bug in hivemind-p2p, please report it: undefined is not a peer";

test.each(["thrown", "rejected"])("a bug in the hub (%s): one line, its peers are told, status 1", async (kind) => {
	await using sharing = await hub([], [], faulty(kind));
	await using joined = await peer(sharing.ticket, ["--no-reconnect"]);
	await sharing.program.line(/^Peer .+ connected/);
	sharing.program.signal("SIGUSR2");
	const { status, stderr } = await sharing.program.exited;
	expect(withoutWaiting(stderr)).toContain(`${LINE}\n`);
	expect(stderr).not.toMatch(/\n? {4}at |with more to it/);
	expect(status).toBe(EXIT_STATUS.internal.status);
	expect((await joined.program.exited).stderr).toMatch(/^error: The hub is gone: the hub was stopped\./m);
});

test("a bug in the peer: one line, the hub is told and goes on, status 1", async () => {
	await using frontend = serve(() => new Response("here"));
	await using sharing = await hub([frontend.address]);
	await using joined = await peer(sharing.ticket, [], faulty("rejected"));
	await sharing.program.line(/^Peer .+ connected/);
	joined.program.signal("SIGUSR2");
	const { status, stderr } = await joined.program.exited;
	expect(stderr).toContain(`${LINE}\n`);
	expect(status).toBe(EXIT_STATUS.internal.status);
	await sharing.program.line(/^Peer .+ left: the peer was stopped\.$/);
	await using next = await peer(sharing.ticket);
	expect(await get(next.urls.frontend)).toBe("here");
});

test("several bugs at once are reported once", async () => {
	await using sharing = await hub([], [], faulty("repeated"));
	sharing.program.signal("SIGUSR2");
	const { status, stderr } = await sharing.program.exited;
	expect(stderr).toBe(`${LINE} 0\n`);
	expect(status).toBe(EXIT_STATUS.internal.status);
});

test("-vvv shows where the bug is", async () => {
	await using sharing = await hub([], ["-vvv"], faulty("rejected"));
	sharing.program.signal("SIGUSR2");
	const { stderr } = await sharing.program.exited;
	expect(stderr).toContain(`${LINE}\n`);
	expect(stderr).toMatch(/^debug: cause: TypeError: undefined is not a peer\n[\s\S]*? {4}at .*fault\.ts/m);
});
