// The clock check, over servers that say what time it is.
import { expect, test } from "bun:test";
import { clock, mailbox } from "../../../src/doctor/mailbox.ts";

function serverAt(offMs: number) {
	const date = new Date(Date.now() + offMs).toUTCString();
	return Bun.serve({
		hostname: "127.0.0.1",
		port: 0,
		reusePort: false,
		fetch: () => new Response("", { status: 404, headers: { date } }),
	});
}

test.each([
	[0, "ok", /^right, compared/],
	[-30_000, "ok", /^\d+ s ahead/],
	[-3_600_000, "warning", /^3[56]\d\d s ahead/],
	[3_600_000, "warning", /^3[56]\d\d s behind/],
])("a server whose clock is %p ms off: %p", async (off, result, text) => {
	using server = serverAt(off);
	expect(await clock(`http://127.0.0.1:${server.port}`)).toMatchObject({ result, text: expect.stringMatching(text) });
});

test("something that is no mailbox server is not taken for one", async () => {
	using server = serverAt(0);
	const finding = await mailbox(`ws://127.0.0.1:${server.port}`);
	expect(finding.result).toBe("warning");
});
