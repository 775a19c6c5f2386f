// The page as a file: it stands alone, its policy allows its own script and style and nothing else, and no text from
// elsewhere can become HTML.
import { expect, test } from "bun:test";
import { PAGE, PAGE_POLICY } from "../../../src/status/page.ts";

const inside = (element: string) => PAGE.split(`<${element}>`)[1]?.split(`</${element}>`)[0] as string;
const sha256 = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("base64");

test("the policy has the hashes of the page's one script and one style, and nothing unsafe", () => {
	for (const element of ["script", "style"]) {
		expect(PAGE.split(`<${element}`).length).toBe(2);
		expect(PAGE_POLICY).toContain(`${element}-src 'sha256-${sha256(inside(element))}'`);
	}
	expect(PAGE_POLICY).toStartWith("default-src 'none'; ");
	expect(PAGE_POLICY).not.toContain("unsafe");
});

test("it needs nothing from elsewhere, and has neither handlers nor styles that the policy would block", () => {
	const urls = [...PAGE.matchAll(/\b(?:src|href|url|action)\s*[=(]\s*["']?([^"'\s)>]+)/g)].map(([, url]) => url);
	expect(urls.filter((url) => !/^(data:image\/svg|\/(status|metrics|events|healthz)$)/.test(url as string))).toEqual([
		expect.stringContaining("/join.svg"),
	]);
	expect(PAGE.split("<script>")[0]).not.toMatch(/\son[a-z]+=|\sstyle=/);
});

test("the script makes no HTML and no code from text", () => {
	expect(inside("script")).not.toMatch(
		/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setHTML|DOMParser|javascript:/,
	);
});
