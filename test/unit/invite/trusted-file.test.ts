// Who besides this program's user can have written a file that says what the program does. (What may be an identity is
// tested with identity files.)
import { expect, spyOn, test } from "bun:test";
import type { Stats } from "node:fs";
import { doubtAboutAuthors } from "../../../src/invite/trusted-file.ts";

const [ALICE, BOB, USERS] = [1000, 1001, 100];
/** What a process of `user` says of a file. */
function doubt(user: number, uid: number, gid: number, mode: number): string | undefined {
	using geteuid = spyOn(process as { geteuid(): number }, "geteuid");
	geteuid.mockReturnValue(user);
	return doubtAboutAuthors({ uid, gid, mode: 0o100000 | mode } as Stats);
}

const CHANGED = "can be changed by others (chmod go-w prevents that)";

test
	.skipIf(process.platform === "win32")
	.each<[what: string, ...Parameters<typeof doubt>, expected: string | undefined]>([
		["one's own", ALICE, ALICE, USERS, 0o644, undefined],
		["one's own, of a group with others", ALICE, ALICE, USERS, 0o664, CHANGED],
		["one's own, of a group of the same number, as a umask of 002 makes it", ALICE, ALICE, ALICE, 0o664, undefined],
		["one's own, that everybody may write", ALICE, ALICE, ALICE, 0o646, CHANGED],
		["root's", ALICE, 0, 0, 0o644, undefined],
		["root's, that its group may write", ALICE, 0, ALICE, 0o664, CHANGED],
		["another user's", ALICE, BOB, ALICE, 0o644, `belongs to another user (uid ${BOB})`],
		["an ordinary user's, for root", 0, ALICE, 0, 0o644, `belongs to another user (uid ${ALICE})`],
		["root's own, that its group may write", 0, 0, 0, 0o664, CHANGED],
		["root's own", 0, 0, 0, 0o644, undefined],
	])("%s", (_what, user, uid, gid, mode, expected) => {
	expect(doubt(user, uid, gid, mode)).toBe(expected as string);
});
