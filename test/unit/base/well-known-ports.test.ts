// The table of well-known ports: names that a service may have, and which of them do not speak HTTP.
import { expect, test } from "bun:test";
import { WELL_KNOWN_PORTS } from "../../../src/base/well-known-ports.ts";
import { SERVICE_NAME } from "../../../src/protocol/services.ts";

test("each entry is a port, and its program and service are names that a service may have", () => {
	expect(WELL_KNOWN_PORTS.size).toBeGreaterThan(40);
	for (const [port, { program, service }] of WELL_KNOWN_PORTS) {
		expect(port).toBeGreaterThan(0);
		expect(port).toBeLessThan(65_536);
		for (const name of [program, service ?? "none"]) expect(name).toMatch(SERVICE_NAME);
	}
});

test("each port is in the table once", async () => {
	const source = await Bun.file(new URL("../../../src/base/well-known-ports.ts", import.meta.url)).text();
	const ports = [...source.matchAll(/^\t\[(\d+), /gm)].map(([, port]) => Number(port));
	expect(ports).toEqual([...WELL_KNOWN_PORTS.keys()]);
});

test("databases, queues, mail and ssh do not speak HTTP, and the machine's own servers are not a project's", () => {
	for (const port of [22, 25, 1025, 3306, 5432, 5672, 6379, 9092, 11211, 27017])
		expect(WELL_KNOWN_PORTS.get(port)?.http, String(port)).toBe(false);
	for (const port of [3000, 5173, 8000, 8025]) expect(WELL_KNOWN_PORTS.get(port)?.http).toBe(true);
	expect(WELL_KNOWN_PORTS.get(22)?.service).toBeUndefined();
	expect(WELL_KNOWN_PORTS.get(5432)?.service).toBe("db");
});
