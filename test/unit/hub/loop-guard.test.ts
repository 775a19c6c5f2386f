// Which addresses the hub must not dial, because a peer on its own machine listens there.
import { beforeEach, describe, expect, test } from "bun:test";
import { localMarks } from "../../../src/base/local-marks.ts";
import { type ListeningPeer, LoopError, LoopGuard } from "../../../src/hub/loop-guard.ts";

const HUB = "a".repeat(64);
let guard: LoopGuard;
beforeEach(() => {
	guard = new LoopGuard(HUB);
});

const peer = (name: string, ...listening: string[]): ListeningPeer & { silent: boolean } => ({
	peer: { id: "b".repeat(64), name },
	marks: listening.flatMap((host) => localMarks({ host, port: 3000 }, HUB)),
	silent: false,
});
const owner = (host: string, port = 3000) => guard.forbids({ host, port })?.owner.name;

test("an address at which a connected peer listens is forbidden, however it is written; no other is", () => {
	guard.add(peer("x", "127.0.0.1"));
	expect(owner("127.0.0.1")).toBe("x");
	expect(owner("::ffff:127.0.0.1")).toBe("x");
	expect(owner("0.0.0.0"), "which leads to 127.0.0.1").toBe("x");
	for (const host of ["::1", "127.0.0.2", "192.0.2.7"]) expect(owner(host), host).toBeUndefined();
	expect(owner("127.0.0.1", 3001)).toBeUndefined();
	const error = guard.forbids({ host: "127.0.0.1", port: 3000 });
	expect(error).toBeInstanceOf(LoopError);
	expect(error).toMatchObject({ kind: "forbidden", address: { host: "127.0.0.1", port: 3000 } });
});

describe("a peer that listens on every address", () => {
	test("of IPv4 has those of this machine, and no other machine's", () => {
		guard.add(peer("x", "0.0.0.0"));
		for (const host of ["127.0.0.1", "127.0.0.2", "0.0.0.0"]) expect(owner(host), host).toBe("x");
		for (const host of ["::1", "192.0.2.7"]) expect(owner(host), host).toBeUndefined();
	});

	test("of both families has those of both", () => {
		guard.add(peer("x", "::"));
		for (const host of ["127.0.0.1", "::1", "::"]) expect(owner(host), host).toBe("x");
		expect(owner("2001:db8::1")).toBeUndefined();
	});
});

test("a peer of another machine, whose marks nobody here understands, forbids nothing", () => {
	guard.add({ ...peer("x"), marks: ["0".repeat(32), "", "127.0.0.1:3000"] });
	expect(owner("127.0.0.1")).toBeUndefined();
});

test("a peer that has left, or does not answer and may be gone, forbids nothing", () => {
	const [one, other] = [peer("x", "127.0.0.1"), peer("y", "127.0.0.1")];
	guard.add(one);
	guard.add(one);
	guard.add(other);
	one.silent = true;
	expect(owner("127.0.0.1")).toBe("y");
	guard.remove(other);
	expect(owner("127.0.0.1")).toBeUndefined();
	one.silent = false;
	expect(owner("127.0.0.1")).toBe("x");
	guard.remove(one);
	guard.remove(one);
	expect(owner("127.0.0.1")).toBeUndefined();
});
