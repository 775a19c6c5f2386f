// Makes docs/status-page.png and docs/status-page-dark.png, the pictures of the status page: `bun build/status-page.ts`,
// on a machine with Chromium and, for letters like those of most desktops, the font Inter (Debian: chromium, fonts-inter).
// The page and its server are the real ones; the hub behind them is invented, as no real one may show its peers. It takes
// a minute, because the page shows one.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import type { ProgramEvent, TimedEvent } from "../src/status/program-events.ts";
import { startStatusServer } from "../src/status/server.ts";
import type { HubSnapshot, RemoteSnapshot, ServiceSnapshot } from "../src/status/snapshot.ts";
import { launch } from "../test/support/browser.ts";
import { FakeSource } from "../test/support/status-source.ts";

export const PICTURES = { light: "docs/status-page.png", dark: "docs/status-page-dark.png" } as const;

/** Of a picture, in pixels of CSS; it has half as many again. */
export const WIDTH = 1160;
export const SCALE = 1.5;
const ROOT = join(import.meta.dir, "..");

async function draw(): Promise<void> {
	const source = new FakeSource(hub);
	source.recent = () => EVENTS;
	source.onSnapshot = nextSecond;
	const server = startStatusServer({ address: { host: "127.0.0.1", port: 0 }, source });
	const fonts = mkdtempSync(join(tmpdir(), "hivemind-fonts-"));
	await Bun.write(join(fonts, "fonts.conf"), FONTS);
	const browser = await launch({ FONTCONFIG_FILE: join(fonts, "fonts.conf") });
	try {
		const schemes = ["light", "dark"] as const;
		await Promise.all(
			schemes.map(async (colorScheme) => {
				const viewport = { width: WIDTH, height: 600 };
				const context = await browser.newContext({ colorScheme, viewport, deviceScaleFactor: SCALE });
				const page = await context.newPage();
				await page.goto(server.link);
				// The line has reached the left edge: a minute is over.
				await page.locator(".spark .from[d^='M0.0']").first().waitFor({ state: "attached", timeout: 90_000 });
				await page.screenshot({ path: join(ROOT, PICTURES[colorScheme]), fullPage: true });
			}),
		);
	} finally {
		await browser.close();
		await server.stop();
		rmSync(fonts, { recursive: true });
	}
}

const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
	<include>/etc/fonts/fonts.conf</include>
	<match target="pattern">
		<test name="family"><string>system-ui</string></test>
		<edit name="family" mode="assign" binding="strong"><string>Inter</string></edit>
	</match>
	<alias binding="strong"><family>sans-serif</family><prefer><family>Inter</family></prefer></alias>
	<alias binding="strong"><family>sans</family><prefer><family>Inter</family></prefer></alias>
	<match target="pattern">
		<test name="family" qual="all" compare="not_eq"><string>DejaVu Sans Mono</string></test>
		<test name="family" qual="all" compare="not_eq"><string>monospace</string></test>
		<edit name="family" mode="append_last"><string>Inter</string></edit>
	</match>
</fontconfig>
`;

const NOW = Date.now();
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

const service = (name: string, port: number, more: Partial<ServiceSnapshot>): ServiceSnapshot => ({
	name,
	scheme: name === "websocket" ? "ws" : "http",
	address: `localhost:${port}`,
	state: "up",
	open: 0,
	total: 0,
	toService: 0,
	fromService: 0,
	...more,
});

const ALICE: RemoteSnapshot = {
	id: "8c41d0f27a".padEnd(64, "0"),
	name: "alice",
	since: ago(4_920),
	path: { kind: "direct", address: "203.0.113.7:51820", rttMs: 23.2 },
};
const BOB: RemoteSnapshot = {
	id: "1f7be3995c".padEnd(64, "0"),
	name: "bob",
	since: ago(1_380),
	path: { kind: "relay", address: "https://eu-1.relay.example.org/", rttMs: 81.4 },
};
const CAROL: RemoteSnapshot = {
	id: "d26a04be81".padEnd(64, "0"),
	name: "carols-laptop",
	since: ago(190),
	path: { kind: "direct", address: "[2001:db8:4f::1c]:49731", rttMs: 6.8 },
};

const hub: HubSnapshot = {
	role: "hub",
	version: manifest.version,
	state: "open",
	name: "my-hub",
	id: "5f2b9a6c03".padEnd(64, "0"),
	started: ago(8_040),
	ticket: "endpoint",
	code: { code: "5-hamburger-endorse" },
	services: [
		service("frontend", 3000, { open: 9, total: 1_412, fromService: 402e6, toService: 9.1e6 }),
		service("backend", 8000, { open: 4, total: 3_067, fromService: 58e6, toService: 31e6 }),
		service("websocket", 4000, { total: 26, state: "down", down: { since: ago(12), reason: "connection refused" } }),
	],
	peers: [ALICE, BOB, CAROL],
	refused: { secret: 2 },
	process: { rss: 96_400_000, loopLagMs: 4.1, uptimeMs: 8_040_000 },
};

const event = (seconds: number, one: ProgramEvent): TimedEvent => ({ time: ago(seconds), ...one });
const EVENTS = [
	event(4_920, { event: "peer_joined", peer: ALICE, path: { kind: "direct", address: "203.0.113.7:51820" } }),
	event(2_711, { event: "denied", peer: { id: "e09c55d1a2" }, reason: "secret", message: "the ticket is not valid" }),
	event(1_380, {
		event: "peer_joined",
		peer: BOB,
		path: { kind: "relay", address: "https://eu-1.relay.example.org/" },
	}),
	event(412, { event: "code", code: "5-hamburger-endorse" }),
	event(190, {
		event: "peer_joined",
		peer: CAROL,
		path: { kind: "relay", address: "https://eu-1.relay.example.org/" },
	}),
	event(187, { event: "path", peer: CAROL, path: { kind: "direct", address: "[2001:db8:4f::1c]:49731" } }),
	event(12, { event: "service", service: "websocket", up: false, address: "localhost:4000" }),
];

/** Lets a second pass: pages are loaded now and then, and the API is used all the time. */
function nextSecond(): void {
	hub.process.uptimeMs += 1000;
	const second = hub.process.uptimeMs / 1000;
	const wave = (period: number, shift = 0) => 0.5 + 0.5 * Math.sin((second / period + shift) * 2 * Math.PI);
	const load = (every: number, shift: number) => Math.max(0, 1 - ((second + shift) % every) / 6) ** 2;
	const [frontend, backend] = hub.services as [ServiceSnapshot, ServiceSnapshot];
	frontend.fromService += Math.round(40_000 * wave(7) + 2_600_000 * load(23, 4) + 900_000 * load(17, 9) + 180_000);
	frontend.toService += Math.round(9_000 + 30_000 * load(23, 4));
	backend.fromService += Math.round(90_000 + 210_000 * wave(13) * wave(3.1, 0.3));
	backend.toService += Math.round(14_000 + 90_000 * wave(19, 0.6) * wave(4.3));
}

if (import.meta.main) await draw();
