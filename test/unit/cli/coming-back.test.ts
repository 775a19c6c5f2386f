// `join @ALIAS`: which errors blame the saved ticket, and that what is known of the hub is kept up to date.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HivemindError } from "../../../src/base/errors.ts";
import { comingBack, type Saved } from "../../../src/cli/coming-back.ts";
import { decodeSavedHub } from "../../../src/invite/saved-hub.ts";
import { removeSavedHub, savedHubsFolder, writeSavedHub } from "../../../src/invite/saved-hubs.ts";
import type { Ticket } from "../../../src/invite/ticket.ts";
import { Denied } from "../../../src/peer/hub-session.ts";
import { savedHub } from "../../support/saved-hub.ts";
import { thrown } from "../../support/throws.ts";

const before = process.env.XDG_STATE_HOME;
const HUB = savedHub({ name: "Shop", lasting: undefined });
let folder: string;
let saved: Saved | undefined;

beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), "hivemind-p2p-coming-back-"));
	process.env.XDG_STATE_HOME = folder;
	(await writeSavedHub(savedHubsFolder(), "shop", HUB))?.close();
});

afterEach(() => {
	saved?.close();
	saved = undefined;
	rmSync(folder, { recursive: true });
	if (before === undefined) delete process.env.XDG_STATE_HOME;
	else process.env.XDG_STATE_HOME = before;
});

function back(own = false): Saved {
	saved = comingBack("shop", own);
	return saved;
}

const kept = () => decodeSavedHub(readFileSync(join(savedHubsFolder(), "shop")));
/** The ticket is not looked at: it has been saved. */
const TICKET = {} as Ticket;
const AGAIN = "ask for a new code, and save it: hivemind-p2p join CODE --save shop";

test("ticket and key are those that were saved; the key is for that hub only", () => {
	const { ticket, keyFor } = back();
	expect(ticket).toBe(HUB.ticket);
	expect(keyFor(HUB.id)).toEqual(HUB.key);
	expect(thrown("identity", () => keyFor("0".repeat(64))).message).toContain("its ticket leads to another hub");
});

test.each([
	["denied", "The ticket that is saved as @shop may be an old one: "],
	["unreachable", "Is the hub still running? If it has a new one, "],
	["ticket", "It is the one that is saved as @shop: "],
] as const)("an error of the kind '%s' says how to get a new ticket", (code, beginning) => {
	const error = new HivemindError(code, "It broke.", { hint: "Is the hub still running?" });
	expect(back().explained(error)).toMatchObject({
		code,
		message: "It broke.",
		hint: `${beginning}${AGAIN}`,
		cause: error,
	});
});

test("other errors are left as they are", () => {
	const full = new Denied({ type: "denied", reason: "full", message: "the hub is full" }, "a".repeat(26));
	const { explained } = back();
	for (const error of [full, new HivemindError("listen", "The port is in use."), new Error("a bug"), "what"])
		expect(explained(error)).toBe(error);
});

test("once the hub has admitted the peer, its name, what it says about its ticket, and the time are kept", async () => {
	await back().onWelcome(TICKET, { name: "Shop (new)", lasting: false });
	expect(kept()).toEqual({ ...HUB, name: "Shop (new)", lasting: false, usedAt: expect.any(Number) });
	expect(kept()?.usedAt).toBeGreaterThan(HUB.usedAt);
	expect(thrown("identity", () => comingBack("shop", false)).message).toContain("in use");
});

test("a hub that says nothing about itself changes neither", async () => {
	await back().onWelcome(TICKET, { name: undefined, lasting: undefined });
	expect(kept()).toMatchObject({ name: "Shop", lasting: undefined });
});

test("with an identity of its own the peer changes nothing, and others may use the saved one", async () => {
	await back(true).onWelcome(TICKET, { name: "other", lasting: true });
	expect(kept()).toEqual(HUB);
	comingBack("shop", false).close();
});

test("an entry that was removed meanwhile is not brought back", async () => {
	const { onWelcome } = back();
	removeSavedHub(savedHubsFolder(), "shop");
	await onWelcome(TICKET, { name: "Shop", lasting: true });
	expect(() => kept()).toThrow();
});
