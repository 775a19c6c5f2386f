import { expect, test } from "bun:test";
import { startDemoServices } from "../../../src/demo/services.ts";
import { STRANGE, strangeRequest } from "../../support/strangers.ts";

test("whatever a stranger sends, no service of the demo shows where it runs", async () => {
	const services = startDemoServices();
	for (const { port } of services.addresses) {
		for (const head of Object.values(STRANGE)) {
			const answer = await strangeRequest(port, head);
			expect(answer).toMatch(/^HTTP\/1\.1 [24]\d\d /);
			expect(answer).not.toContain(process.cwd());
		}
	}
	await services.stop();
});

test("no two demos share a port", async () => {
	const services = startDemoServices();
	for (const { port } of services.addresses) {
		expect(() => Bun.serve({ hostname: "127.0.0.1", port, fetch: () => new Response() })).toThrow("in use");
	}
	await services.stop();
});
