// The table of services: what is on the wire or in users' scripts must not change by accident.
import { expect, test } from "bun:test";
import { parseAddress } from "../../../src/base/address.ts";
import { SERVICES } from "../../../src/protocol/services.ts";

test("port ids, options and default addresses are the original program's", () => {
	expect(SERVICES.map(({ portId, option, defaultAddress }) => [portId, option, defaultAddress])).toEqual([
		[1, "frontend-addr", "127.0.0.1:3000"],
		[2, "backend-addr", "127.0.0.1:8000"],
		[3, "ws-addr", "127.0.0.1:4000"],
	]);
});

test("no two services share a port id, a name, an option or an address", () => {
	for (const key of ["portId", "name", "label", "option", "defaultAddress"] as const) {
		expect(new Set(SERVICES.map((service) => service[key])).size).toBe(SERVICES.length);
	}
});

test("port id 0 stays free for the control stream", () => {
	expect(SERVICES.every(({ portId }) => portId > 0 && portId < 256)).toBe(true);
});

test("every default address can be parsed and is on this machine only", () => {
	for (const { defaultAddress } of SERVICES) expect(parseAddress(defaultAddress, "x").host).toBe("127.0.0.1");
});
