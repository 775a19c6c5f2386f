// The table of well-known ports: names that a service may have, and which of them do not speak HTTP.
import { expect, test } from "bun:test";
import { WELL_KNOWN_PORTS } from "../../../src/base/well-known-ports.ts";
import { SERVICE_NAME } from "../../../src/protocol/services.ts";

test("each program's name is good for a service, and each port is one", () => {
	for (const [port, { program }] of WELL_KNOWN_PORTS) {
		expect(program).toMatch(SERVICE_NAME);
		expect(port).toBeGreaterThan(0);
		expect(port).toBeLessThan(65_536);
	}
});

test.each([22, 3306, 5432, 5672, 6379, 9092, 11211, 27017])("what listens on %d does not speak HTTP", (port) => {
	expect(WELL_KNOWN_PORTS.get(port)?.http).toBe(false);
});

test("a port of a development server is not in the table as something else", () => {
	for (const port of [3000, 8000, 4000, 8080, 5173]) expect(WELL_KNOWN_PORTS.get(port)?.http ?? true).toBe(true);
});
