import { expect, test } from "bun:test";
import { originalHubServices, updatedServices, welcomedServices } from "../../../src/peer/hub-services.ts";

const state = (port: number, name: string, up = true) =>
	({ port, name, scheme: "http", address: "127.0.0.1:1", up }) as const;

test("a hub of the original program has its three services, and nothing more is known of them", () => {
	expect(originalHubServices()).toEqual([
		{ portId: 1, name: "frontend", scheme: "http", address: undefined, up: undefined },
		{ portId: 2, name: "backend", scheme: "http", address: undefined, up: undefined },
		{ portId: 3, name: "websocket", scheme: "ws", address: undefined, up: undefined },
	]);
});

test("a welcome's services are known by name and port id; reserved port ids are left out", () => {
	const list = [0, 1, 127, 128, 2 ** 40].map((port) => state(port, `s${port}`));
	expect(welcomedServices(list).map(({ portId, name }) => [portId, name])).toEqual([
		[1, "s1"],
		[127, "s127"],
	]);
});

test("later only the state of what is known changes", () => {
	const known = welcomedServices([state(4, "web"), state(5, "db")]);
	const updated = updatedServices(known, [{ ...state(9, "db", false), address: "elsewhere:1" }, state(6, "new")]);
	expect(updated).toEqual([known[0], { ...known[1], up: false }] as typeof known);
});
