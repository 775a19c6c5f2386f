// The status page, and the headers that keep everything else out of it: it runs only its own script, loads nothing but
// what this server answers, and is shown in no frame.
import page from "./page.html" with { type: "text" };

// bun-types declares *.html as a bundle; with `type: "text"` it is a string.
export const PAGE = page as unknown as string;

/** Content-Security-Policy of the page: script and style by their hashes, and no HTML from strings (Trusted Types). */
export const PAGE_POLICY = [
	"default-src 'none'",
	`script-src ${hashOf("script")}`,
	`style-src ${hashOf("style")}`,
	"img-src 'self' data:",
	"connect-src 'self'",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
	"require-trusted-types-for 'script'",
	"trusted-types 'none'",
].join("; ");

// --- internal ---

/** What browsers compare with the text of the only element of this name (Content Security Policy Level 3, section 8.3). */
function hashOf(element: "script" | "style"): string {
	const [, text = ""] = PAGE.split(new RegExp(`<${element}>|</${element}>`));
	return `'sha256-${new Bun.CryptoHasher("sha256").update(text).digest("base64")}'`;
}
