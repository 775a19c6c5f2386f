// A look at a service: what it finds, and that a service on this machine sees nothing of it. Over real sockets.
import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { DialError } from "../../../src/forward/dial-error.ts";
import { Dialer, type DialerOptions } from "../../../src/forward/dialer.ts";
import * as sockets from "../../../src/forward/tcp.ts";
import { HEALTH_DIAL_MS } from "../../../src/hub/limits.ts";
import { look, whoListens } from "../../../src/hub/look.ts";
import { Clock } from "../../support/far-hub.ts";
import { turn } from "../../support/native-halves.ts";
import { Puppet } from "../../support/puppet.ts";

const linux = process.platform === "linux";
const tells = linux || process.platform === "darwin";

let stops: (() => void)[];
/** Connections that the services have seen. */
let connections: number;

beforeEach(() => {
	stops = [];
	connections = 0;
});
afterEach(() => {
	for (const stop of stops) stop();
});

function listen(host: string, port = 0): number {
	const open = () => void connections++;
	const listener = Bun.listen({ hostname: host, port, socket: { open, data() {} } });
	stops.push(() => listener.stop(true));
	return listener.port;
}

function free(): number {
	const listener = Bun.listen({ hostname: "::", port: 0, socket: { data() {} } });
	listener.stop();
	return listener.port;
}

const to = (host: string, port: number, options?: DialerOptions) => new Dialer({ host, port }, options);

describe.skipIf(!linux)("on Linux", () => {
	for (const [stated, host] of [
		["127.0.0.1", "127.0.0.1"],
		["127.0.0.1", "0.0.0.0"],
		["127.0.0.1", "::"],
		["127.0.0.1", "::1"],
		["::1", "::1"],
		["::1", "127.0.0.1"],
		["localhost", "127.0.0.1"],
		["localhost", "::1"],
		["127.0.0.2", "0.0.0.0"],
		["0.0.0.0", "127.0.0.1"],
		["frontend", "127.0.0.7"],
	] as const) {
		test(`a service on ${host} that was stated as ${stated} is up, and sees nothing`, async () => {
			const dialer = to(stated, listen(host), { lookup: async () => ["127.0.0.7"] });
			for (const way of ["table", "table, then connection"] as const) expect(await look(dialer, way)).toBe("up");
			expect(await whoListens(dialer)).toBe("listening");
			await turn();
			expect(connections).toBe(0);
		});
	}
});

test.each(["127.0.0.1", "::1", "localhost", "127.0.0.2"])("nobody on %s is down", async (host) => {
	const dialer = to(host, free());
	expect(await look(dialer, "table, then connection")).toBe("down");
	expect(await look(dialer, "connection")).toBe("down");
	expect(await whoListens(dialer)).toBeUndefined();
});

test.skipIf(!linux)("what the table lacks is not connected to, where the table is enough", async () => {
	using trying = spyOn(sockets, "attempt");
	expect(await look(to("127.0.0.1", free()), "table")).toBe("unclear");
	expect(trying).not.toHaveBeenCalled();
	await look(to("127.0.0.1", free()), "table, then connection");
	expect(trying).toHaveBeenCalledTimes(2);
});

test("a service on another machine is connected to, whatever the table of this one says", async () => {
	using trying = spyOn(sockets, "attempt").mockRejectedValue(new DialError("refused", "connection refused"));
	expect(await look(to("192.0.2.7", listen("0.0.0.0")), "table")).toBe("down");
	expect(trying.mock.calls.map(([{ host }]) => host)).toEqual(["192.0.2.7"]);
});

test("a service that the table does not tell of sees a connection that ends with a FIN, and no reset", async () => {
	await using puppet = new Puppet();
	const service = await puppet.listen();
	const accepting = service.accept();
	expect(await look(to("127.0.0.1", service.port), "connection")).toBe("up");
	const socket = await accepting;
	expect(await socket.ended()).toMatchObject({ received: 0, ended: true, error: null });
	await socket.end();
	expect((await socket.closed()).error).toBeNull();
});

test("a name that is not found is unclear: it says nothing about the service", async () => {
	const missing = Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });
	const dialer = to("frontend", 1, { lookup: () => Promise.reject(missing) });
	expect(await look(dialer, "table, then connection")).toBe("unclear");
	expect(await whoListens(dialer)).toBeUndefined();
});

test.skipIf(!linux)("a name that takes 2.5 s to resolve is waited for", async () => {
	const clock = new Clock();
	try {
		const lookup = async () => {
			await Bun.sleep(2_500);
			return ["127.0.0.7"];
		};
		const looking = look(to("frontend", listen("127.0.0.7"), { lookup }), "table, then connection");
		await clock.pass(2_500);
		expect(await looking).toBe("up");
		expect(connections).toBe(0);
	} finally {
		clock.restore();
	}
});

test("silence is unclear, and is waited for two seconds", async () => {
	const clock = new Clock();
	const tries: string[] = [];
	using _ = spyOn(sockets, "attempt").mockImplementation(({ host }, signal) => {
		tries.push(host);
		return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
	});
	try {
		const looking = look(to("10.0.0.7", 3000), "table, then connection");
		let found = "";
		void looking.then((it) => {
			found = it;
		});
		await clock.pass(HEALTH_DIAL_MS - 1);
		expect([tries, found]).toEqual([["10.0.0.7"], ""]);
		await clock.pass(1);
		expect(await looking).toBe("unclear");
		expect(clock.pending).toBe(0);
	} finally {
		clock.restore();
	}
});

test.each(["unreachable", "name", "descriptors", "other"] as const)(
	"a failure of the kind '%s' is unclear",
	async (kind) => {
		using _ = spyOn(sockets, "attempt").mockRejectedValue(new DialError(kind, "why"));
		expect(await look(to("10.0.0.7", 3000), "table, then connection")).toBe("unclear");
	},
);

test("a bug is not taken for a service that is down", async () => {
	const mistake = new TypeError("attempt is broken");
	using _ = spyOn(sockets, "attempt").mockRejectedValue(mistake);
	expect(await look(to("10.0.0.7", 3000), "table, then connection").catch((error) => error)).toBe(mistake);
});

test("the local port of a peer is not looked at, not even in the table", async () => {
	const port = listen("127.0.0.1");
	const forbids = ({ host }: { host: string }) =>
		host === "127.0.0.1" ? new DialError("forbidden", "the local port of a peer") : undefined;
	expect(await look(to("127.0.0.1", port, { forbids }), "table, then connection")).toBe("down");
	const all = () => new DialError("forbidden", "the local port of a peer");
	expect(await look(to("127.0.0.1", port, { forbids: all }), "table, then connection")).toBe("unclear");
	expect(connections).toBe(0);
});

test.skipIf(!tells)("somebody who listens at another address of this machine is told of", async () => {
	const port = listen("127.0.0.9");
	const found = await whoListens(to("127.0.0.2", port));
	expect(found).toMatchObject({ address: { host: "127.0.0.9", port }, pid: process.pid });
});

test("of a host that is another machine the table of this one tells nothing", async () => {
	expect(await whoListens(to("192.0.2.7", listen("127.0.0.1")))).toBeUndefined();
});
