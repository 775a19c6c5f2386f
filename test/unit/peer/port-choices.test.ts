// Which service gets which local port: the choices of the user against the hub's list, without any port being opened.
import { describe, expect, test } from "bun:test";
import type { Address } from "../../../src/base/address.ts";
import type { HubService } from "../../../src/peer/hub-services.ts";
import { SUBSTITUTES_MAX } from "../../../src/peer/limits.ts";
import {
	earlyPorts,
	type OpenPort,
	planPorts,
	substitutes,
	unknownServices,
	wantedServices,
} from "../../../src/peer/port-choices.ts";
import { bound, NO_CHOICES } from "../../support/port-choices.ts";

const at = (port: number, host = "localhost"): Address => ({ host, port });
const service = (name: string, address: string | undefined): HubService => {
	return { portId: 4, name, scheme: "tcp", address, up: true };
};
const names = (services: readonly { name: string }[]) => services.map(({ name }) => name);

describe("before anything is connected", () => {
	const early = (choices: Parameters<typeof earlyPorts>[0]) =>
		earlyPorts(choices).map(
			({ service, at: { host, port }, early }) => `${service} ${host}:${port}${early ? "" : "!"}`,
		);

	test("the three defaults are tried, and may be missing", () => {
		expect(early(NO_CHOICES)).toEqual([
			"frontend localhost:3000",
			"backend localhost:8000",
			"websocket localhost:4000",
		]);
	});

	test("what was named is opened instead, and must not be missing", () => {
		expect(early(bound({ db: at(5433), backend: at(0, "127.0.0.1") }))).toEqual([
			"db localhost:5433!",
			"backend 127.0.0.1:0!",
			"frontend localhost:3000",
			"websocket localhost:4000",
		]);
	});

	test("a default whose port was named for another service is not tried", () => {
		expect(early(bound({ web: at(3000) }))).toEqual([
			"web localhost:3000!",
			"backend localhost:8000",
			"websocket localhost:4000",
		]);
	});

	test("--strict makes no default an error: the hub may not need it", () => {
		expect(early({ ...NO_CHOICES, strict: true })).toEqual(early(NO_CHOICES));
	});

	test("a default of a service that is not wanted is not tried", () => {
		expect(early({ ...NO_CHOICES, only: new Set(["web", "backend"]) })).toEqual(["backend localhost:8000"]);
	});
});

test("--only takes a part of the hub's list; names that it lacks are unknown, and without it those of --bind", () => {
	const services = [service("web", "a:1"), service("db", "a:2")];
	const binds = bound({ dbb: at(1), db: at(2) });
	const choices = { ...binds, only: new Set(["db", "api"]) };
	const shared = ["web", "db"];
	expect(names(wantedServices(services, choices))).toEqual(["db"]);
	expect(unknownServices(services, choices)).toEqual({ option: "--only", names: ["api"], shared });
	expect(unknownServices(services, binds)).toEqual({ option: "--bind", names: ["dbb"], shared });
	expect(names(wantedServices(services, NO_CHOICES))).toEqual(["web", "db"]);
	expect(unknownServices(services, NO_CHOICES).names).toEqual([]);
});

describe("the hub's list against the open ports:", () => {
	const open = (service: string, port: number, early = false): OpenPort => ({ service, early, address: at(port) });
	const plan = (ports: OpenPort[], services: HubService[], choices = NO_CHOICES) => {
		const { keep, close, open } = planPorts(ports, services, choices);
		return {
			keep: keep.map(({ port, service }) => `${service} ${port.address.port}`),
			close: close.map(({ address }) => address.port),
			open: open.map(({ service, at: { host, port } }) => `${service} ${host}:${port}`),
		};
	};

	test("each service is at the hub's port number on localhost, whatever the hub's host is", () => {
		const services = ["127.0.0.1:3001", "db.local:5432", "[::1]:80"].map((address, i) => service(`s${i}`, address));
		expect(plan([], services).open).toEqual(["s0 localhost:3001", "s1 localhost:5432", "s2 localhost:80"]);
	});

	test("the services of a hub of the original program are at its ports", () => {
		const services = ["frontend", "backend", "websocket"].map((name) => service(name, undefined));
		const open = ["frontend localhost:3000", "backend localhost:8000", "websocket localhost:4000"];
		expect(plan([], services).open).toEqual(open);
	});

	test.each(["nowhere", "x:", "x:99999", "x:-1", "x:3000 and more", "x:30…"])(
		"an address without a port number (%s) gets a free port",
		(address) => {
			expect(plan([], [service("odd", address)]).open).toEqual(["odd localhost:0"]);
		},
	);

	test("a default that was opened early goes to whatever service belongs at that port, and the others are closed", () => {
		const ports = [open("frontend", 3000, true), open("backend", 8000, true), open("websocket", 4000, true)];
		expect(plan(ports, [service("web", "127.0.0.1:3000"), service("frontend", "127.0.0.1:5173")])).toEqual({
			keep: ["web 3000"],
			close: [8000, 4000],
			open: ["frontend localhost:5173"],
		});
	});

	test("a default on localhost is not the port that was named on another address", () => {
		const ports = [open("frontend", 3000, true)];
		const choices = bound({ web: at(3000, "192.0.2.1") });
		expect(plan(ports, [service("web", "a:1")], choices)).toEqual({
			keep: [],
			close: [3000],
			open: ["web 192.0.2.1:3000"],
		});
	});

	test("a service that has a port keeps it when the hub has moved it", () => {
		const moved = plan([open("web", 3001)], [service("web", "127.0.0.1:9000")]);
		expect(moved).toEqual({ keep: ["web 3001"], close: [], open: [] });
	});

	test("what the hub no longer has is closed, and opened at the place that was named for it when it is back", () => {
		expect(plan([open("db", 5433)], [], bound({ db: at(5433) })).close).toEqual([5433]);
		expect(plan([], [service("db", "a:5432")], bound({ db: at(5433) })).open).toEqual(["db localhost:5433"]);
	});
});

describe("instead of a port that cannot be had", () => {
	test("the next ones are tried, and at last a free one", () => {
		expect(substitutes(5432).slice(0, 3)).toEqual([5433, 5434, 5435]);
		expect(substitutes(5432)).toHaveLength(SUBSTITUTES_MAX + 1);
		expect(substitutes(5432).at(-1)).toBe(0);
	});

	test("of one below 1024 it is 10,000 more", () => {
		expect(substitutes(80)[0]).toBe(10_080);
		expect(substitutes(1023)[0]).toBe(11_023);
		expect(substitutes(1024)[0]).toBe(1025);
	});

	test("no port above 65535 is tried", () => {
		expect(substitutes(65_534)).toEqual([65_535, 0]);
		expect(substitutes(65_535)).toEqual([0]);
	});
});
