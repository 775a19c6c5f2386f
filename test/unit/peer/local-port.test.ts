// The local port of a service: `localhost` is both loopback addresses or an error, never one of them beside another
// program, and an error leaves nothing open. The other program is Node (puppet.ts).
import { afterEach, beforeEach, describe, expect, mock, spyOn, test } from "bun:test";
import type { Address } from "../../../src/base/address.ts";
import * as owners from "../../../src/base/port-owner.ts";
import { listenersOn } from "../../../src/base/port-owner.ts";
import type { Duplex } from "../../../src/forward/duplex.ts";
import * as tcp from "../../../src/forward/tcp.ts";
import { FREE_PORT_TRIES } from "../../../src/peer/limits.ts";
import { type LocalPort, openPort, ownersBefore } from "../../../src/peer/local-port.ts";
import { listenError, PortError } from "../../../src/peer/port-error.ts";
import { Puppet } from "../../support/puppet.ts";
import { thrown } from "../../support/throws.ts";
import { FREE } from "../../support/tunnel.ts";

const known = process.platform === "linux" || process.platform === "darwin";
const BOTH = ["127.0.0.1", "::1"];
const HINT = "choose another address with --bind frontend=PORT (or --frontend-addr); port 0 takes a free one.";

let puppet: Puppet;
let opened: LocalPort[];
let accepted: Duplex[];

beforeEach(() => {
	puppet = new Puppet();
	opened = [];
	accepted = [];
});

afterEach(async () => {
	mock.restore();
	for (const { listeners } of opened) for (const listener of listeners) listener.stop();
	await puppet[Symbol.asyncDispose]();
});

/** Opens a port, or fails with the error that a user sees. */
function open(asked: Address, before: readonly owners.PortOwner[] = []): LocalPort {
	try {
		const local = openPort(asked, (socket) => accepted.push(socket), before);
		opened.push(local);
		return local;
	} catch (error) {
		throw error instanceof PortError ? listenError("frontend", error) : error;
	}
}

const hosts = ({ listeners }: LocalPort) => listeners.map(({ address }) => address.host);

/** A port that is free on both loopback addresses. */
function freePort(): number {
	const local = openPort({ host: "localhost", port: 0 }, () => {});
	for (const listener of local.listeners) listener.stop();
	return local.address.port;
}

/** Our own listeners on a port. */
const ours = (port: number) => (listenersOn(port) ?? []).filter(({ pid }) => pid === process.pid);

/** Resolves when our listener there has accepted a connection. */
async function accepts(host: string, port: number): Promise<void> {
	await puppet.connect(port, { host });
	while (accepted.length === 0) await Bun.sleep(1);
	accepted.shift()?.abort();
}

/** A system error, as Bun throws it. */
const failing = (code: string | undefined) => Object.assign(new Error(`Failed to listen at x`), { code });

describe("localhost is both loopback addresses:", () => {
	test.each(["localhost", "LOCALHOST", "localhost.", "app.localhost"])("%s", async (host) => {
		const port = freePort();
		const local = open({ host, port });
		expect(local.address).toEqual({ host, port });
		expect(hosts(local)).toEqual(BOTH);
		for (const one of BOTH) await accepts(one, port);
	});

	test("port 0 is one port that both have", async () => {
		const local = open({ host: "localhost", port: 0 });
		expect(new Set(local.listeners.map(({ address }) => address.port))).toEqual(new Set([local.address.port]));
		expect(hosts(local)).toEqual(BOTH);
	});
});

test.each([FREE, { host: "::1", port: 0 }, { host: "127.0.0.2", port: 0 }])("%j is just that address", (asked) => {
	const local = open(asked);
	expect(local.listeners.map(({ address }) => address)).toEqual([{ host: asked.host, port: local.address.port }]);
	expect(local.address.host).toBe(asked.host);
});

describe.skipIf(!known)("an address that another program has:", () => {
	for (const [theirs, ours_, message] of [
		["::1", "[::1]", "listens there"],
		["127.0.0.1", "127.0.0.1", "listens there"],
		["0.0.0.0", "127.0.0.1", "listens on 0.0.0.0:PORT"],
		["::", "[::1]", "listens on [::]:PORT"],
	] as const) {
		test(`${theirs} is taken, so localhost would lead to either program: an error that names both`, async () => {
			const { port } = await puppet.listen(theirs);
			const said = message.replace("PORT", String(port));
			// By the system's refusal, and by what was known before.
			for (const before of [[], listenersOn(port)]) {
				const error = thrown("listen", () => open({ host: "localhost", port }, before));
				expect(error.message).toMatch(/: node \(pid \d+\) /);
				expect(error.message.replace(/pid \d+/, "pid 7")).toBe(
					`Cannot listen on ${ours_}:${port} for the frontend: node (pid 7) ${said}, so localhost:${port} could lead to either program.`,
				);
				expect(error.hint).toBe(`Stop it, or ${HINT}`);
			}
			expect(ours(port)).toEqual([]);
		});
	}

	test("both addresses are taken: nothing is said of either", async () => {
		const { port } = await puppet.listen("127.0.0.1");
		const [owner] = listenersOn(port) ?? [];
		if (!owner) throw new Error("not listed");
		const other = { ...owner, address: { host: "::1", port } };
		using _owners = spyOn(owners, "listenersOn").mockReturnValue([owner, other]);
		expect(thrown("listen", () => open({ host: "localhost", port })).message).toEndWith(" listens there.");
	});

	test("an address that was asked for by itself does not care about the other one", async () => {
		const { port } = await puppet.listen("::1");
		expect(hosts(open({ host: "127.0.0.1", port }))).toEqual(["127.0.0.1"]);
	});

	test("an address that was asked for by itself is taken: the program is named", async () => {
		const { port } = await puppet.listen("127.0.0.1");
		expect(thrown("listen", () => open({ host: "127.0.0.1", port })).message).toMatch(
			new RegExp(`^Cannot listen on 127\\.0\\.0\\.1:${port} for the frontend: node \\(pid \\d+\\) listens there\\.$`),
		);
		const { port: every } = await puppet.listen("::");
		expect(thrown("listen", () => open({ host: "127.0.0.1", port: every })).message).toMatch(
			new RegExp(`127\\.0\\.0\\.1:${every} for the frontend: node \\(pid \\d+\\) listens on \\[::\\]:${every}\\.$`),
		);
	});

	test("two services on one port: it is this program itself", () => {
		const { address } = open({ host: "localhost", port: 0 });
		const error = thrown("listen", () => open(address));
		expect(error.message).toBe(
			`Cannot listen on 127.0.0.1:${address.port} for the frontend: this program listens there already.`,
		);
		expect(error.hint).toBe(`C${HINT.slice(1)}`);
	});
});

test.skipIf(process.platform !== "linux")("on Linux nothing is asked before a port is opened, nor after it", () => {
	const asking = spyOn(owners, "listenersOn");
	expect(ownersBefore([3000, 8000])).toEqual([]);
	open({ host: "localhost", port: 0 });
	expect(asking).not.toHaveBeenCalled();
});

describe("where the system does not tell who listens", () => {
	beforeEach(() => void spyOn(owners, "listenersOn").mockReturnValue(undefined));

	test("the second address taken: an error, and the first one is closed again", async () => {
		const { port } = await puppet.listen("::1");
		const error = thrown("listen", () => open({ host: "localhost", port }));
		expect(error.message).toBe(`Cannot listen on [::1]:${port} for the frontend: the port is in use.`);
		mock.restore();
		expect(ours(port)).toEqual([]);
	});
});

describe("with the system's answers made up,", () => {
	const stopped: number[] = [];
	let next = 0;

	/** ::1 fails with this code so many times; ports count up from 1. */
	function system(code: string | undefined, times: number): void {
		stopped.length = 0;
		next = 0;
		let left = times;
		spyOn(tcp, "listen").mockImplementation((address) => {
			if (address.host === "::1" && left-- > 0) throw failing(code);
			const port = address.port === 0 ? ++next : address.port;
			return { address: { host: address.host, port }, stop: () => void stopped.push(port) };
		});
	}

	test("a free port that ::1 does not have is given back, and another one is tried", () => {
		system("EADDRINUSE", 2);
		expect(open({ host: "localhost", port: 0 }).address.port).toBe(3);
		expect(stopped).toEqual([1, 2]);
	});

	test("that ends after a while, with nothing left open", () => {
		system("EADDRINUSE", Number.POSITIVE_INFINITY);
		expect(thrown("listen", () => open({ host: "localhost", port: 0 })).message).toContain("[::1]:");
		expect(stopped).toHaveLength(FREE_PORT_TRIES);
	});

	test.each(["EADDRNOTAVAIL", "EAFNOSUPPORT", undefined])("a machine without ::1 (%s) has 127.0.0.1 only", (code) => {
		system(code, 1);
		expect(hosts(open({ host: "localhost", port: 3000 }))).toEqual(["127.0.0.1"]);
		expect(stopped).toEqual([]);
	});

	test("another failure of ::1 is an error, and 127.0.0.1 is closed again", () => {
		system("EACCES", 1);
		expect(thrown("listen", () => open({ host: "localhost", port: 80 })).message).toBe(
			"Cannot listen on [::1]:80 for the frontend: permission denied (ports below 1024 need root).",
		);
		expect(stopped).toEqual([80]);
	});
});

test("a host name that is not found", () => {
	const { message } = thrown("listen", () => open({ host: "nohost.invalid", port: 0 }));
	expect(message).toBe("Cannot listen on nohost.invalid:0 for the frontend: host name not found.");
});
