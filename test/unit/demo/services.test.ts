import { expect, test } from "bun:test";
import { type DemoServices, DOWN, startDemoServices } from "../../../src/demo/services.ts";
import type { SharedService } from "../../../src/protocol/services.ts";
import { STRANGE, strangeRequest } from "../../support/strangers.ts";

const running = ({ shared }: DemoServices) => shared.filter(({ name }) => name !== DOWN).map(({ address }) => address);

test("whatever a stranger sends, no service of the demo shows where it runs", async () => {
	const services = startDemoServices();
	for (const { port } of running(services)) {
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
	for (const { port } of running(services)) {
		expect(() => Bun.serve({ hostname: "127.0.0.1", port, fetch: () => new Response() })).toThrow("in use");
	}
	await services.stop();
});

test("two services have names of their own, and one of the five is down", async () => {
	const services = startDemoServices();
	expect(services.shared.map(({ name, portId }) => [name, portId])).toEqual([
		["frontend", 1],
		["backend", 2],
		["websocket", 3],
		["mail", 4],
		["db", 5],
	]);
	const { address } = services.shared.at(-1) as SharedService;
	const refused = await Bun.connect({ hostname: "127.0.0.1", port: address.port, socket: { data() {} } }).catch(
		(error) => error.code,
	);
	expect(refused).toBe("ECONNREFUSED");
	await services.stop();
});
