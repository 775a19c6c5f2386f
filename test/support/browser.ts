// The Chromium of this machine, in which the status page is tried. playwright-core brings no browser.
import { type Browser, chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** Undefined where there is none. */
export const CHROMIUM = NAMES.map((name) => Bun.which(name)).find((path) => path !== null);

/** Starts it; it must be closed. `env` is added to the environment. */
export function launch(env: Record<string, string> = {}): Promise<Browser> {
	if (CHROMIUM === undefined) throw new Error(`none of ${NAMES.join(", ")} is installed`);
	return chromium.launch({
		executablePath: CHROMIUM,
		// Its sandbox does not work for root, nor in most containers. It only opens our own page.
		args: ["--no-sandbox", "--disable-gpu"],
		env: { ...(process.env as Record<string, string>), ...env },
	});
}
