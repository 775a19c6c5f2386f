// A page of Vite and React in a peer's browser: it must not matter that its servers are on another machine, that they
// are restarted, or that the network goes away for a while. The tests of this file are steps: each begins where the one
// before it ended.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import type { Process } from "../chaos/process.ts";
import { CHROMIUM } from "../support/browser.ts";
import { browse, type Hub, joinFrom, MODULES, Shop, share, shopRefused } from "./stack.ts";
import { Machine } from "./wire.ts";

const refused = CHROMIUM === undefined ? "there is no Chromium" : shopRefused();
if (refused) console.log(`Left out: a Vite page in a peer's browser: ${refused}`);

/** A page, and what went wrong in it. */
interface Shown {
	page: Page;
	errors: string[];
	requests: number;
}

async function show(browser: Browser): Promise<Shown> {
	const page = await browser.newPage();
	const shown: Shown = { page, errors: [], requests: 0 };
	page.on("pageerror", ({ message }) => void shown.errors.push(message));
	page.on("requestfinished", () => void shown.requests++);
	await page.goto("http://localhost:3000/");
	return shown;
}

const titled = (page: Page, title: string) => page.getByRole("heading", { name: title, exact: true }).waitFor();

describe.skipIf(refused !== undefined)("a Vite page in a peer's browser", () => {
	const stack = new AsyncDisposableStack();
	let shop: Shop;
	let machine: Machine;
	let hub: Hub;
	let peer: Process;
	let browser: Browser;
	let shown: Shown;
	/** What the page knows of itself: a page that was loaded again has forgotten it. */
	const remember = () => shown.page.evaluate("window.remembered = true");
	const remembered = () => shown.page.evaluate("window.remembered === true");
	/** Changes the title at the hub, and waits for it in the peer's browser. */
	const edit = async (title: string) => {
		shop.setTitle(title);
		await titled(shown.page, title);
	};

	beforeAll(async () => {
		machine = stack.use(await Machine.create(2));
		shop = stack.use(await Shop.start());
		hub = stack.use(await share("3000", "8000", "4000", "shop"));
		peer = stack.use(await joinFrom(machine, hub, "laptop"));
		browser = stack.use(await browse(machine));
		shown = await show(browser);
	}, 60_000);
	afterAll(() => stack.disposeAsync());

	test("loads with all its modules, and its WebSocket echoes", async () => {
		const { page } = shown;
		await page.getByText(`${MODULES} modules`).waitFor();
		await page.getByText("echo: hello").waitFor();
		await titled(page, "Shop");
		expect(shown.requests).toBeGreaterThan(MODULES);
		expect(shown.errors).toEqual([]);
	});

	test("signs in at the API of another origin: a redirect, a cookie, CORS", async () => {
		const { page } = shown;
		await page.getByText("signed in: nobody").waitFor();
		await page.getByRole("link", { name: "Sign in" }).click();
		await page.waitForURL("http://localhost:3000/");
		await page.getByText("signed in: ada").waitFor();
		expect(shown.errors).toEqual([]);
	});

	test("shows a change of a file without being loaded again", async () => {
		await remember();
		await edit("Shop, second edition");
		expect(await remembered()).toBe(true);
	});

	test("comes back after the development server was restarted, and shows changes again", async () => {
		await shop.stopVite();
		await shop.startVite();
		// Vite's client loads the page again once its server is back.
		await shown.page.waitForFunction("window.remembered === undefined");
		await titled(shown.page, "Shop, second edition");
		await remember();
		await edit("Shop, third edition");
		expect(await remembered()).toBe(true);
	});

	test.each([5, 15])("shows what was changed while the link was down for %d s, by itself", async (seconds) => {
		machine.unplug();
		shop.setTitle(`Shop, without a link for ${seconds} s`);
		await Bun.sleep(seconds * 1000);
		machine.plugIn();
		await titled(shown.page, `Shop, without a link for ${seconds} s`);
		expect(await remembered()).toBe(true);
		expect(await shown.page.evaluate("fetch('/src/title.jsx').then(({ status }) => status)")).toBe(200);
	});

	test("shows what was changed while the hub was stopped for 15 s, by itself", async () => {
		hub.program.signal("SIGSTOP");
		shop.setTitle("Shop, without a hub");
		await Bun.sleep(15_000);
		hub.program.signal("SIGCONT");
		await titled(shown.page, "Shop, without a hub");
		expect(await remembered()).toBe(true);
	});

	test("is shown to a second peer at the same time, and a change to both", async () => {
		await using second = await Machine.create(3);
		await using _peer = await joinFrom(second, hub, "tablet");
		await using browser = await browse(second);
		const other = await show(browser);
		await other.page.getByText("echo: hello").waitFor();
		await edit("Shop, for two");
		await titled(other.page, "Shop, for two");
	});

	test("stays while its peer's machine joins another hub, too", async () => {
		await using server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("from another hub") });
		await using hub = await share(`docs=${server.port}`, "docs");
		await using _peer = await joinFrom(machine, hub, "laptop");
		const page = await browser.newPage();
		await page.goto(`http://localhost:${server.port}/`);
		await page.getByText("from another hub").waitFor();
		await page.close();
		await edit("Shop, beside another hub");
		expect(await remembered()).toBe(true);
	});

	test("hub and peer complain of nothing but the development server, while it was restarted", () => {
		const said = [...hub.program.lines, ...peer.lines].map(({ text }) => text);
		expect(said.filter((line) => /^error:|bug/.test(line) && !/frontend is not running/.test(line))).toEqual([]);
	});
});
