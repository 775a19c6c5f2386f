// A saved hub, as it comes out of its file.
import type { SavedHub } from "../../src/invite/saved-hub.ts";

export const savedHub = (more: Partial<SavedHub> = {}): SavedHub => ({
	id: "5e".repeat(32),
	name: "My hub",
	ticket: `endpoint${"abcdefgh".repeat(15)}.${"a".repeat(26)}`,
	key: new Uint8Array(32).fill(7),
	lasting: true,
	savedAt: Date.UTC(2020, 10, 26, 5, 42),
	usedAt: Date.UTC(2020, 10, 27),
	...more,
});
