// The table of services: what is on the wire or in users' scripts must not change by accident.
import { expect, test } from "bun:test";
import { parseAddress } from "../../../src/base/address.ts";
import { SERVICES_MAX } from "../../../src/protocol/limits.ts";
import { ORIGINAL_SERVICES, OTHER_PORT_IDS, serviceNoun, withPortIds } from "../../../src/protocol/services.ts";

test("port ids, options and default addresses are the original program's", () => {
	expect(ORIGINAL_SERVICES.map(({ portId, option, defaultAddress }) => [portId, option, defaultAddress])).toEqual([
		[1, "frontend-addr", "127.0.0.1:3000"],
		[2, "backend-addr", "127.0.0.1:8000"],
		[3, "ws-addr", "127.0.0.1:4000"],
	]);
});

test("no two services share a port id, a name, an option or an address", () => {
	for (const key of ["portId", "name", "option", "defaultAddress"] as const) {
		expect(new Set(ORIGINAL_SERVICES.map((service) => service[key])).size).toBe(ORIGINAL_SERVICES.length);
	}
});

test("port id 0 stays free for the control stream", () => {
	expect(ORIGINAL_SERVICES.every(({ portId }) => portId > 0 && portId < 256)).toBe(true);
});

test("every default address can be parsed and is on this machine only", () => {
	for (const { defaultAddress } of ORIGINAL_SERVICES) expect(parseAddress(defaultAddress, "x").host).toBe("127.0.0.1");
});

test("the original services keep their port ids wherever they are, and all others count up from 4", () => {
	const names = ["web", "websocket", "api", "frontend", "db"];
	expect(withPortIds(names.map((name) => ({ name }))).map(({ portId }) => portId)).toEqual([4, 3, 5, 1, 6]);
});

test("port ids of as many services as a hub may have leave the high bit free", () => {
	const services = withPortIds(Array.from({ length: SERVICES_MAX }, (_, i) => ({ name: `s${i}` })));
	for (const { portId } of services) expect(portId).toBeWithin(OTHER_PORT_IDS.first, OTHER_PORT_IDS.last + 1);
});

test("a sentence names an original service by its name, and any other in quotes", () => {
	expect(["frontend", "db"].map(serviceNoun)).toEqual(["frontend", "service 'db'"]);
});
