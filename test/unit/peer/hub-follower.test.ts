// What becomes of the hub's list: ports, events, or the end of the peer. Nothing is really opened.
import { afterEach, beforeEach, describe, expect, mock, spyOn, test } from "bun:test";
import * as owners from "../../../src/base/port-owner.ts";
import * as tcp from "../../../src/forward/tcp.ts";
import type { PeerEvent } from "../../../src/peer/events.ts";
import { HubFollower } from "../../../src/peer/hub-follower.ts";
import type { HubService } from "../../../src/peer/hub-services.ts";
import { LocalPorts } from "../../../src/peer/local-ports.ts";
import type { PortChoices } from "../../../src/peer/port-choices.ts";
import { ServiceStatus } from "../../../src/peer/service-status.ts";
import { settled } from "../../support/native-halves.ts";
import { bound, NO_CHOICES } from "../../support/port-choices.ts";
import { resultOr } from "../../support/throws.ts";

let events: PeerEvent[];
let follower: HubFollower;
let ports: LocalPorts;
let status: ServiceStatus;
/** Ports that cannot be had. */
let taken: number[];

beforeEach(() => {
	events = [];
	taken = [];
	spyOn(owners, "listenersOn").mockReturnValue([]);
	spyOn(tcp, "listen").mockImplementation((address) => {
		if (taken.includes(address.port)) throw Object.assign(new Error("taken"), { code: "EADDRINUSE" });
		return { address, stop() {} };
	});
});
afterEach(() => {
	status.close();
	mock.restore();
});

function start(choices: PortChoices = NO_CHOICES): void {
	const emit = (event: PeerEvent) => void events.push(event);
	status = new ServiceStatus(emit);
	ports = new LocalPorts(choices, () => {});
	follower = new HubFollower({ ports, choices, status, emit });
	ports.openEarly();
}

const service = (name: string, port: number, up = true): HubService => {
	return { portId: 4, name, scheme: "tcp", address: `127.0.0.1:${port}`, up };
};
const at = (port: number) => ({ host: "localhost", port });
const types = () => events.map(({ type }) => type);

test("the first list makes no events, and the services are known when all is settled", async () => {
	start();
	follower.heard([service("web", 3000), service("db", 5432)]);
	expect((await follower.settle()).map(({ name, local }) => [name, local.port])).toEqual([
		["web", 3000],
		["db", 5432],
	]);
	expect(events).toEqual([]);
	expect(await settled(follower.failed)).toBe(false);
});

test("a port that was replaced is told once nobody is asked about it any more", async () => {
	start();
	taken = [5432];
	follower.heard([service("db", 5432)]);
	expect(events).toEqual([]);
	await follower.settle();
	expect(events).toMatchObject([{ type: "port_replaced", service: "db", wanted: at(5432), local: at(5433) }]);
});

test("a hub that is restarted with other services: each change is told, and nobody is asked", async () => {
	const asked = mock(async () => 1);
	start({ ...NO_CHOICES, ask: asked });
	follower.heard([service("web", 3000), service("db", 5432)]);
	await follower.settle();
	taken = [9000];
	follower.heard([service("web", 3000), service("api", 9000)]);
	expect(events).toEqual([
		{ type: "service_removed", service: "db", local: at(5432) },
		{ type: "port_replaced", service: "api", wanted: at(9000), local: at(9001), why: "busy", owner: undefined },
		{ type: "service_added", service: expect.objectContaining({ name: "api", local: at(9001) }) },
	]);
	expect(asked).not.toHaveBeenCalled();
});

test("a restarted hub with a service elsewhere, another scheme, another name: told, and the local ports stay", async () => {
	start();
	follower.heard([service("web", 3000), service("db", 5432)], "shop");
	await follower.settle();
	follower.heard([service("web", 3001), { ...service("db", 5432), scheme: "http" }], "other");
	expect(events).toEqual([
		{ type: "hub_renamed", name: "other" },
		{
			type: "service_moved",
			service: expect.objectContaining({ name: "web", address: "127.0.0.1:3001", local: at(3000) }),
			from: { scheme: "tcp", address: "127.0.0.1:3000" },
		},
		{
			type: "service_moved",
			service: expect.objectContaining({ name: "db", scheme: "http", local: at(5432) }),
			from: { scheme: "tcp", address: "127.0.0.1:5432" },
		},
	]);
	// One of the original program tells no name.
	follower.heard([service("web", 3001), { ...service("db", 5432), scheme: "http" }]);
	follower.heard([service("web", 3001), { ...service("db", 5432), scheme: "http" }], "other");
	expect(events).toHaveLength(3);
});

test("after a restart: what is gone, what is new with its state, and only then what has changed otherwise", async () => {
	start();
	follower.heard([service("web", 3000), service("db", 5432)]);
	await follower.settle();
	status.startReporting();
	follower.heard([service("web", 3000, false), service("api", 9000, false)]);
	expect(events).toMatchObject([
		{ type: "service_removed", service: "db" },
		{ type: "service_added", service: { name: "api", up: false } },
		{ type: "service", service: "web", up: false },
	]);
});

test("the same list again, with a service down, is a matter of its status alone", async () => {
	start();
	follower.heard([service("db", 5432)]);
	await follower.settle();
	status.startReporting();
	follower.heard([service("db", 5432, false)]);
	expect(events).toEqual([{ type: "service", service: "db", up: false, address: "127.0.0.1:5432" }]);
});

test("a service that is not wanted is not reported as down", async () => {
	start({ ...NO_CHOICES, only: new Set(["web"]) });
	follower.heard([service("web", 3000), service("db", 5432, false)]);
	await follower.settle();
	status.startReporting();
	follower.heard([service("web", 3000), service("db", 5432, false), service("api", 1, false)]);
	expect(events).toEqual([]);
});

test("what a hub changes while a person is being asked is in the list that follows, not told before it", async () => {
	const answer = Promise.withResolvers<number | undefined>();
	start({ ...NO_CHOICES, ask: () => answer.promise });
	taken = [5432];
	follower.heard([service("db", 5432)]);
	const settling = follower.settle();
	follower.heard([service("web", 3000)]);
	answer.resolve(undefined);
	expect((await settling).map(({ name }) => name)).toEqual(["web"]);
	expect(events).toEqual([]);
});

describe("a name that the hub does not have", () => {
	test("is told, with what it has, and the peer goes on", async () => {
		start(bound({ dbb: at(5433) }));
		follower.heard([service("web", 3000), service("db", 5432)]);
		await follower.settle();
		expect(events).toEqual([{ type: "unknown_services", option: "--bind", names: ["dbb"], shared: ["web", "db"] }]);
	});

	test("is an error when nothing else is wanted", async () => {
		start({ ...NO_CHOICES, only: new Set(["dbb"]) });
		follower.heard([service("web", 3000), service("db", 5432)]);
		const error = await resultOr("usage", follower.failed);
		expect(String(error)).toContain("--only: the hub does not share 'dbb'. Did you mean 'db'? It shares web, db.");
	});

	test("is an error with --strict", async () => {
		start({ ...bound({ dbb: at(5433) }), strict: true });
		follower.heard([service("web", 3000)]);
		expect(await resultOr("usage", follower.failed)).toBeInstanceOf(Error);
	});

	test("after a restart is told as a service that is gone, and does not end the peer", async () => {
		start({ ...NO_CHOICES, only: new Set(["db"]), strict: true });
		follower.heard([service("db", 5432)]);
		await follower.settle();
		follower.heard([service("web", 3000)]);
		expect(types()).toEqual(["service_removed"]);
		expect(await settled(follower.failed)).toBe(false);
	});
});

describe("a port that must not be replaced", () => {
	test("ends the peer", async () => {
		start({ ...NO_CHOICES, strict: true });
		taken = [5432];
		follower.heard([service("db", 5432)]);
		expect(await resultOr("listen", follower.failed)).toBeInstanceOf(Error);
	});

	test("ends it also after a restart of the hub", async () => {
		start({ ...NO_CHOICES, strict: true });
		follower.heard([service("web", 3000)]);
		await follower.settle();
		taken = [5432];
		follower.heard([service("web", 3000), service("db", 5432)]);
		expect(await resultOr("listen", follower.failed)).toBeInstanceOf(Error);
	});
});

test("a service that gets no port at all after a restart is told, and the peer goes on", async () => {
	start();
	follower.heard([]);
	await follower.settle();
	spyOn(tcp, "listen").mockImplementation(() => {
		throw Object.assign(new Error("too many open files"), { code: "EMFILE" });
	});
	follower.heard([service("db", 5432)]);
	expect(events).toEqual([
		{ type: "port_failed", reason: "Cannot listen on 127.0.0.1:5432 for the service 'db': too many open files." },
	]);
	expect(await settled(follower.failed)).toBe(false);
});

test("an unexpected exception ends the peer", async () => {
	start();
	spyOn(ports, "follow").mockImplementation(() => {
		throw new TypeError("undefined is not a function");
	});
	follower.heard([]);
	expect(await follower.failed.catch((error: unknown) => error)).toBeInstanceOf(TypeError);
});
