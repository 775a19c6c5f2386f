// The status page in a real Chromium: both roles, both colour schemes, wide and narrow, live, by keyboard, and without a
// request to anything but its server.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { type StatusServer, startStatusServer } from "../../src/status/server.ts";
import type { Snapshot } from "../../src/status/snapshot.ts";
import { CHROMIUM, launch } from "../support/browser.ts";
import { CODE, FakeSource, hubSnapshot, PEER_ID, peerSnapshot, service } from "../support/status-source.ts";

if (!CHROMIUM) console.log("Skipped: the status page in a browser, because Chromium is not installed.");

let browser: Browser;
let server: StatusServer;
let source: FakeSource;
let page: Page;
/** What the console said, and requests that did not go to the server. */
let wrong: string[];

/** Opens the page of a program in this state; by its link, unless `path` says otherwise. */
async function open(
	state: Snapshot,
	options: BrowserContextOptions & { path?: string; port?: number } = {},
): Promise<void> {
	const { path, port = 0, ...more } = options;
	source = new FakeSource(state);
	server = startStatusServer({ address: { host: "127.0.0.1", port }, source });
	const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...more });
	page = await context.newPage();
	wrong = [];
	page.on("console", (message) => {
		if (["error", "warning"].includes(message.type())) wrong.push(message.text());
	});
	page.on("pageerror", (error) => wrong.push(String(error)));
	page.on("request", (request) => {
		if (!request.url().startsWith(server.url) && !request.url().startsWith("data:")) wrong.push(request.url());
	});
	await page.goto(path === undefined ? server.link : new URL(path, server.url).href);
	if (more.javaScriptEnabled !== false) await seen("#live", "Live");
}

/** Resolves when an element contains this text. The page's policy forbids waitForFunction. */
const seen = (selector: string, text: string | RegExp) =>
	page.locator(selector).filter({ hasText: text }).first().waitFor({ state: "attached" });

// biome-ignore lint/performance/useDomNodeTextContent: what a person sees, so without what is hidden.
const text = (selector: string) => page.locator(selector).innerText();

describe.skipIf(!CHROMIUM)("the status page", () => {
	beforeAll(async () => {
		browser = await launch();
	});

	afterAll(() => browser.close());

	afterEach(async () => {
		await page.context().close();
		await server.stop();
		expect(wrong).toEqual([]);
	});

	test.each(["hub", "peer"] as const)(
		"of a %s fits into every width, light and dark, and can be read",
		async (role) => {
			const long = "a-service-with-a-very-long-name-that-somebody-chose-for-it";
			const services = [
				...hubSnapshot().services,
				service(long, {
					address: `${"sub.".repeat(20)}example.org:65535`,
					fromService: 9e14,
					total: 123_456_789,
					open: 1024,
				}),
			];
			await open({ ...(role === "hub" ? hubSnapshot() : peerSnapshot()), services, name: "x".repeat(64) } as Snapshot);
			source.emit({ event: "error", code: "internal", message: "y".repeat(300), fatal: false });
			await seen("#log", "yyy");
			for (const colorScheme of ["light", "dark"] as const) {
				await page.emulateMedia({ colorScheme });
				for (const width of [320, 360, 680, 720, 760, 1070, 1080, 1400]) {
					await page.setViewportSize({ width, height: 800 });
					expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
					expect(await page.evaluate(OVERFLOWS), `${width} pixels`).toEqual([]);
				}
				expect(await page.evaluate(CONTRASTS)).toEqual([]);
				expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe(
					colorScheme === "light" ? "rgb(247, 247, 245)" : "rgb(18, 19, 21)",
				);
			}
		},
	);

	test("a hub's page says what a person wants to know", async () => {
		await open(hubSnapshot({ refused: { secret: 3, service_unreachable: 1 } }));
		expect(await page.title()).toBe("my-hub · hivemind-p2p");
		expect(await text("h1")).toBe("my-hub");
		expect(await text("#state")).toBe("Hub, open to peers");
		expect(await text("#figures")).toMatch(/Peers\s+2\s+Open connections\s+3\s/);
		const [frontend, backend, websocket] = await page.locator("#services tbody tr").allInnerTexts();
		expect(frontend).toMatch(/frontend\s*http\s*127\.0\.0\.1:3000\s+Up\s/);
		expect(backend).toMatch(/Down for \d+\u00a0s\s+connection refused/);
		expect(websocket).toContain("Not tried yet");
		const [alice, bob] = await page.locator("#remotes tbody tr").allInnerTexts();
		expect(alice).toMatch(/alice\s+a1c9a1c9a1\s+Direct\s+203\.0\.113\.7:51820\s+23\u00a0ms\s+10\u00a0min/);
		expect(bob).toMatch(/Relay\s+https:\/\/eu-1\.relay\.example\//);
		expect(await text("#code")).toBe(CODE);
		expect(await text("#command")).toBe(`hivemind-p2p join ${CODE}`);
		expect(await text("#facts")).toMatch(/Turned away\s+3 wrong ticket, 1 service unreachable/);
		await page.locator("#qr").evaluate("(picture) => picture.decode()");
		// The token is neither in the address nor in the history.
		expect(page.url()).toBe(server.url);
	});

	test("a peer's page has its hub, and links to the services that a browser can open", async () => {
		await open(peerSnapshot());
		expect(await text("#state")).toBe("Peer, connected");
		expect(await text("#remotes-title")).toBe("Hub");
		expect(await text("#remotes tbody")).toContain("198.51.100.4:4433");
		expect(await text("#figures")).toMatch(/Round trip to the hub\s+18 ms, direct/);
		expect(await page.locator("#invitation").isVisible()).toBe(false);
		expect(await page.evaluate("[...document.querySelectorAll('#services a')].map(({ href }) => href)")).toEqual([
			"http://localhost:3000/",
		]);
		const { hub: _, ...alone } = peerSnapshot({ state: "connecting" });
		source.state = alone;
		await page.locator("#remotes").waitFor({ state: "hidden" });
		expect(await text("#no-remotes")).toBe("The hub has not been reached yet.");
	});

	test("it is live: counters, states, peers and events change without a reload", async () => {
		const state = hubSnapshot({ peers: [] });
		await open(state);
		expect(await text("#no-remotes")).toBe("No peer is connected.");
		expect(await page.locator(".spark .from").first().getAttribute("d")).toBe("");
		source.onSnapshot = () => {
			state.process.uptimeMs += 1000;
			(state.services[0] as { fromService: number }).fromService += 1_500_000;
		};
		await seen("#services", "1.5\u00a0MB/s");
		await seen("#figures", "1.5 MB/s");
		expect(await page.locator(".spark").first().getAttribute("aria-label")).toBe("at most 1.5\u00a0MB/s");
		await page.locator(".spark .from[d*=L]").first().waitFor({ state: "attached" });
		state.peers = hubSnapshot().peers;
		state.services[1] = service("backend");
		state.code = { code: "7-other-words" };
		source.emit({ event: "peer_joined", peer: { id: PEER_ID, name: "alice" } });
		source.emit({ event: "service", service: "backend", up: true, address: "127.0.0.1:8000" });
		await seen("#log li", "backend is up at 127.0.0.1:8000");
		expect(await text("#log li:nth-child(2)")).toContain("alice joined");
		await seen("#remotes", "alice");
		await seen("#command", "7-other-words");
		expect(await text("#services tbody tr:nth-child(2)")).toContain("Up");
	});

	test("only news is read aloud, not what was there before", async () => {
		source = new FakeSource(hubSnapshot());
		await open(hubSnapshot());
		source.emit({ event: "peer_joined", peer: { id: PEER_ID, name: "alice" } });
		await seen("#spoken", "alice joined");
		await page.reload();
		await seen("#log", "alice joined");
		await seen("#live", "Live");
		expect(await text("#spoken")).toBe("");
		source.tellStats();
		source.emit({ event: "code", code: "8-more-words" });
		await seen("#log", "8-more-words");
		expect(await text("#spoken")).toBe("");
		expect(await page.locator("#log li").count()).toBe(2);
	});

	test("the last 100 events are kept", async () => {
		await open(hubSnapshot());
		for (let i = 1; i <= 130; i++)
			source.emit({ event: "peer_left", peer: { id: PEER_ID, name: `peer-${i}` }, reason: "bye" });
		await seen("#log li", "peer-130 left: bye");
		expect(await page.locator("#log li").count()).toBe(100);
		expect(await text("#log li:last-child")).toContain("peer-31 left");
	});

	test("the join command is copied, also by keyboard", async () => {
		await open(hubSnapshot(), { permissions: ["clipboard-read", "clipboard-write"] });
		await page.locator("#copy").click();
		await seen("#copy", "Copied");
		const command = `hivemind-p2p join ${CODE}`;
		expect(await page.evaluate("navigator.clipboard.readText()")).toBe(command);
		await page.evaluate("navigator.clipboard.writeText('')");
		await seen("#copy", "Copy command");
		await page.locator("#copy").focus();
		await page.keyboard.press("Enter");
		await seen("#copy", "Copied");
		expect(await page.evaluate("navigator.clipboard.readText()")).toBe(command);
	});

	test("everything that can be used or scrolled is reached with the Tab key, and shows the focus", async () => {
		await open(hubSnapshot());
		await page.evaluate("document.activeElement.blur()");
		const stops: unknown[] = [];
		for (let i = 0; i < 7; i++) {
			await page.keyboard.press("Tab");
			stops.push(await page.evaluate("document.activeElement.id || document.activeElement.getAttribute('href')"));
			expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
		}
		expect(stops).toEqual(["command", "copy", "log", "/status", "/metrics", "/events", "/healthz"]);
	});

	test.each([1200, 360])("a screen reader finds landmarks, headings and tables at %p pixels", async (width) => {
		await open(hubSnapshot(), { viewport: { width, height: 800 } });
		const tree = await page.locator("body").ariaSnapshot();
		for (const part of [
			"- banner:",
			"- main:",
			"- contentinfo:",
			'- heading "my-hub" [level=1]',
			'- region "Services":',
			'- heading "Services" [level=2]',
			'- table "Services":',
			'- columnheader "From service"',
			'- table "Peers":',
			'- complementary "Invitation and program":',
			'- img "The join command as a QR code"',
			'- button "Copy command"',
			'- list "Events"',
			"- status",
		]) {
			expect(tree).toContain(part);
		}
		expect(tree).toMatch(/- row "frontend http 127\.0\.0\.1:3000 Up nothing moved /);
	});

	test("what remotes choose is text, and nothing else", async () => {
		const name = `<img src="/x" onerror="document.title='owned'">`;
		const hub = hubSnapshot({ name, refused: { [name]: 1 } });
		hub.services[0] = service("web", { address: name, state: "down", down: { since: hub.started, reason: name } });
		hub.peers = [{ id: name, name, since: hub.started, path: { kind: "relay", address: name, rttMs: 1 } }];
		await open(hub);
		source.emit({ event: "denied", peer: { id: "x", name }, reason: "secret", message: name });
		await seen("#log", `Denied ${name}: ${name}`);
		for (const place of ["h1", "#services", "#remotes", "#facts"]) expect(await text(place)).toContain(name);
		expect(await page.locator("img").count()).toBe(1);
		expect(await page.title()).toBe(`${name} · hivemind-p2p`);
	});

	test("a service's address becomes a link only if it is one", async () => {
		const local = "localhost:3000/x";
		await open(
			peerSnapshot({ services: [service("a", { local }), service("b", { scheme: "tcp", local: "localhost:1" })] }),
		);
		expect(await page.locator("#services a").count()).toBe(0);
		expect(await text("#services")).toContain(local);
	});

	test("without the token, the page has everything but the join command, and says how to get it", async () => {
		await open(hubSnapshot(), { path: "/" });
		expect(await text("#no-command")).toBe(
			"To see the join command, open this page with the link that the program printed.",
		);
		expect(await page.locator("#join").isVisible()).toBe(false);
		expect(await text("#services")).toContain("frontend");
		source.state = hubSnapshot({ state: "closed" });
		await seen("#no-command", "Nobody can join at the moment.");
	});

	test("a program that ends, and one that comes back, are noticed", async () => {
		await open(hubSnapshot());
		const port = Number(new URL(server.url).port);
		source.emit({ event: "stopping", interrupted: true });
		await seen("#log", "Stopping");
		await server.stop();
		await seen("#live", "Stopped");
		expect(await text("#lost")).toMatch(/^The program was stopped\. This was its state at \d\d:\d\d:\d\d\.$/);
		expect(await text("#state")).toBe("Not running");
		expect(await page.locator("#invitation").isVisible()).toBe(false);
		expect(await page.title()).toStartWith("⚠ ");
		source = new FakeSource(hubSnapshot({ name: "again" }));
		server = startStatusServer({ address: { host: "127.0.0.1", port }, source });
		await seen("h1", "again");
		expect(await page.locator("#lost").isVisible()).toBe(false);
		expect(await page.locator("#invitation").isVisible()).toBe(true);
		expect(await text("#state")).toBe("Hub, open to peers");
		expect(await page.locator("#log li").count()).toBe(0);
		// The browser itself says that it could not connect.
		wrong = wrong.filter(
			(message) => !message.includes("ERR_CONNECTION_REFUSED") && !message.includes("ERR_INCOMPLETE"),
		);
	});

	test("whoever wants less motion gets none", async () => {
		await open(hubSnapshot(), { reducedMotion: "reduce" });
		expect(await page.evaluate(MOTIONS)).toEqual([]);
	});

	test("without JavaScript, the page says where else to look", async () => {
		await open(hubSnapshot(), { javaScriptEnabled: false });
		expect(await text("noscript")).toContain("This page needs JavaScript. The same is at /status and /metrics.");
	});
});

/** What sticks out of its card. */
const OVERFLOWS = `[...document.querySelectorAll(".card")].flatMap((card) => {
	const edge = card.getBoundingClientRect().right;
	// The head of a table that is shown as blocks is only for screen readers.
	const hidden = [...card.querySelectorAll("thead")].filter((head) => getComputedStyle(head).position === "absolute");
	const parts = [...card.querySelectorAll("*")].filter((part) => !hidden.some((head) => head.contains(part)));
	return parts.filter((part) => part.checkVisibility() && part.getBoundingClientRect().right > edge);
}).map((part) => part.outerHTML.slice(0, 80))`;

/** Elements that move. */
const MOTIONS = `[...document.querySelectorAll("*")].filter((element) => {
	const { animationName, transitionDuration } = getComputedStyle(element);
	return animationName !== "none" || transitionDuration !== "0s";
}).map((element) => element.tagName)`;

/** Texts whose contrast is below 4.5 (WCAG 2.2, success criterion 1.4.3), or 3 for large ones. */
const CONTRASTS = `(() => {
	const parse = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
	const luminance = (colour) => {
		const [r, g, b] = colour.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const behind = (element) => {
		for (let one = element; one; one = one.parentElement) {
			const [r, g, b, alpha = 1] = parse(getComputedStyle(one).backgroundColor);
			if (alpha === 1) return [r, g, b];
		}
		return [255, 255, 255];
	};
	const bad = [];
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let node = walker.nextNode(); node; node = walker.nextNode()) {
		const element = node.parentElement;
		if (node.data.trim() === "" || !element.checkVisibility() || /SCRIPT|STYLE/.test(element.tagName)) continue;
		const { color, fontSize, fontWeight } = getComputedStyle(element);
		const [light, dark] = [luminance(parse(color).slice(0, 3)), luminance(behind(element))].sort((a, b) => b - a);
		const ratio = (light + 0.05) / (dark + 0.05);
		const large = parseFloat(fontSize) >= 24 || (parseFloat(fontSize) >= 18.66 && Number(fontWeight) >= 700);
		if (ratio < (large ? 3 : 4.5)) bad.push(node.data.trim() + ": " + ratio.toFixed(2));
	}
	return bad;
})()`;
