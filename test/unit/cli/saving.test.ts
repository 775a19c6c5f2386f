// `join --save`: which entry a hub gets, and with which key the peer joins it.
import { afterEach, beforeEach, expect, type Mock, spyOn, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as output from "../../../src/base/output.ts";
import type { Saved } from "../../../src/cli/coming-back.ts";
import { saving } from "../../../src/cli/saving.ts";
import { decodeSavedHub, type SavedHub } from "../../../src/invite/saved-hub.ts";
import { openSavedHub, removeSavedHub, savedHubsFolder, writeSavedHub } from "../../../src/invite/saved-hubs.ts";
import { formatTicket, type Ticket } from "../../../src/invite/ticket.ts";
import { loadIroh } from "../../../src/transport/iroh.ts";
import { savedHub } from "../../support/saved-hub.ts";

const { EndpointAddr, SecretKey } = await loadIroh();
const address = new EndpointAddr(SecretKey.fromBytes(new Array(32).fill(9)).public(), undefined, ["127.0.0.1:9"]);
const TICKET: Ticket = { address, secret: "a".repeat(26) };
const ID = address.id().toString();

const before = process.env.XDG_STATE_HOME;
let folder: string;
let hubs: string;
const open: { close(): void }[] = [];
let said: Mock<typeof output.notice>;

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "hivemind-p2p-saving-"));
	process.env.XDG_STATE_HOME = folder;
	hubs = savedHubsFolder();
	said = spyOn(output, "notice").mockImplementation(() => {});
});

afterEach(() => {
	said.mockRestore();
	for (const one of open.splice(0)) one.close();
	rmSync(folder, { recursive: true });
	if (before === undefined) delete process.env.XDG_STATE_HOME;
	else process.env.XDG_STATE_HOME = before;
});

function save(alias?: string, own = false): Saved {
	const saved = saving(alias, own);
	open.push(saved);
	return saved;
}

/** What is there already, closed. */
async function there(alias: string, more: Partial<SavedHub>): Promise<SavedHub> {
	const hub = savedHub(more);
	(await writeSavedHub(hubs, alias, hub))?.close();
	return hub;
}

const kept = (alias: string) => decodeSavedHub(readFileSync(join(hubs, alias)));
const lines = () => said.mock.calls.map(([line]) => line);
const SHOP = { name: "Shop", lasting: true };

test("a new hub gets a new key, its name as its alias, and its whole ticket", async () => {
	const { keyFor, onWelcome } = save();
	const key = keyFor(ID);
	await onWelcome(TICKET, SHOP);
	const hub = { id: ID, name: "Shop", lasting: true, key, ticket: await formatTicket(TICKET) };
	expect(kept("shop")).toMatchObject(hub);
	expect(save("other").keyFor(ID)).not.toEqual(key);
	expect(lines()).toEqual(["Saved as @shop: 'hivemind-p2p join @shop' needs no code."]);
});

test("a hub of the original program, which does not say what it is called, is saved as @hub", async () => {
	const { keyFor, onWelcome } = save();
	keyFor(ID);
	await onWelcome(TICKET, { name: undefined, lasting: undefined });
	expect(kept("hub")).toMatchObject({ name: "", lasting: undefined });
	expect(lines()[1]).toStartWith("The hub does not say whether its ticket stays the same");
});

test("a hub that is saved already is joined with its key and updated, whatever it is called by now", async () => {
	const { key } = await there("work", { id: ID });
	await there("shop", {});
	const { keyFor, onWelcome } = save();
	expect(keyFor(ID)).toEqual(key);
	await onWelcome(TICKET, SHOP);
	expect(kept("work")).toMatchObject({ key, name: "Shop", ticket: await formatTicket(TICKET) });
	expect(readdirSync(hubs).toSorted()).toEqual(["shop", "work"]);
	expect(lines()).toEqual(["Saved as @work: 'hivemind-p2p join @work' needs no code."]);
});

test("an alias that is given is a second entry of the same hub, with a key of its own", async () => {
	const { key } = await there("work", { id: ID });
	const { keyFor, onWelcome } = save("home");
	expect(keyFor(ID)).not.toEqual(key);
	await onWelcome(TICKET, SHOP);
	expect(readdirSync(hubs).toSorted()).toEqual(["home", "work"]);
});

test("an entry that another program uses, or that is damaged, is passed over", async () => {
	await there("a", { id: ID });
	writeFileSync(join(hubs, "b"), "damaged", { mode: 0o600 });
	const { key } = await there("c", { id: ID, key: new Uint8Array(32).fill(8) });
	const used = openSavedHub(hubs, "a");
	if (used) open.push(used);
	expect(save().keyFor(ID)).toEqual(key);
});

test("the entry of another hub stays, unless that has said that its ticket ends with it", async () => {
	const other = await there("shop", { lasting: undefined });
	const dead = await there("dead", { lasting: false });
	const first = save("shop");
	first.keyFor(ID);
	await first.onWelcome(TICKET, SHOP);
	expect(kept("shop")).toEqual(other);
	expect(kept("shop-2")?.id).toBe(ID);
	first.close();
	const second = save("dead");
	expect(second.keyFor(ID)).not.toEqual(dead.key);
	await second.onWelcome(TICKET, SHOP);
	expect(kept("dead")?.id).toBe(ID);
	expect(lines()).toEqual([
		"@shop is taken, so this hub is saved as @shop-2: 'hivemind-p2p join @shop-2' needs no code.",
		"Saved as @dead, in the place of a hub whose ticket was not to outlive it: 'hivemind-p2p join @dead' needs no code.",
	]);
});

test("a hub cannot have another one's entry replaced by its name, not even a dead one's", async () => {
	const dead = await there("shop", { lasting: false });
	const { keyFor, onWelcome } = save();
	keyFor(ID);
	await onWelcome(TICKET, SHOP);
	expect(kept("shop")).toEqual(dead);
	expect(readdirSync(hubs).toSorted()).toEqual(["shop", "shop-2"]);
});

test("an entry that is removed while the peer connects is saved again, as asked for", async () => {
	await there("shop", { id: ID });
	const { keyFor, onWelcome } = save("shop");
	const key = keyFor(ID);
	removeSavedHub(hubs, "shop");
	await onWelcome(TICKET, SHOP);
	expect(kept("shop")?.key).toEqual(key);
});

test("a hub that cannot be saved: said, and nothing else happens", async () => {
	mkdirSync(dirname(hubs), { recursive: true });
	writeFileSync(hubs, "not a folder", { mode: 0o600 });
	const { keyFor, onWelcome } = save();
	expect(keyFor(ID)).toHaveLength(32);
	await onWelcome(TICKET, { name: "Shop", lasting: false });
	expect(lines()).toEqual([expect.stringMatching(/^This hub was not saved\. The saved hub \S+ cannot be used: /)]);
});

test("with an identity of the peer's own, the entry has another key, and the peer says so", async () => {
	const { keyFor, onWelcome } = save(undefined, true);
	const key = keyFor(ID);
	await onWelcome(TICKET, SHOP);
	expect(kept("shop")?.key).toEqual(key);
	expect(lines()[1]).toStartWith("The identity of --identity is not saved with it");
});
