// The local ports of a peer as real listeners, while a hub's list comes and goes. The other program is Node (puppet.ts).
import { afterEach, beforeEach, describe, expect, mock, spyOn, test } from "bun:test";
import type { Address } from "../../../src/base/address.ts";
import * as owners from "../../../src/base/port-owner.ts";
import * as tcp from "../../../src/forward/tcp.ts";
import type { HubService } from "../../../src/peer/hub-services.ts";
import { PORT_QUESTIONS_MAX } from "../../../src/peer/limits.ts";
import { openPort } from "../../../src/peer/local-port.ts";
import { LocalPorts } from "../../../src/peer/local-ports.ts";
import type { PortChoices, PortQuestion } from "../../../src/peer/port-choices.ts";
import { SERVICES_MAX } from "../../../src/protocol/limits.ts";
import { bound, NO_CHOICES } from "../../support/port-choices.ts";
import { Puppet } from "../../support/puppet.ts";
import { thrown } from "../../support/throws.ts";

let puppet: Puppet;
let ports: LocalPorts;
/** The service of each connection that was accepted. */
let accepted: string[];

beforeEach(() => {
	puppet = new Puppet();
	accepted = [];
});

afterEach(async () => {
	mock.restore();
	ports.close();
	await puppet[Symbol.asyncDispose]();
});

/** Ports of a peer with these choices, on which nothing was opened early. */
function make(choices: Partial<PortChoices> = {}): LocalPorts {
	ports = new LocalPorts({ ...NO_CHOICES, ...choices }, (port, socket) => {
		accepted.push(port.service);
		socket.abort();
	});
	return ports;
}

const service = (name: string, port: number): HubService => {
	return { portId: 4, name, scheme: "tcp", address: `db.local:${port}`, up: true };
};
const at = (port: number, host = "localhost"): Address => ({ host, port });

/** Where each service is. */
const locals = () => Object.fromEntries(ports.services().map(({ name, local }) => [name, local.port]));

/** A port that is free on both loopback addresses. */
function free(): number {
	const local = openPort(at(0), (socket) => socket.abort());
	for (const listener of local.listeners) listener.stop();
	return local.address.port;
}

test("each service is on both loopback addresses at the hub's port number, and its connections are its own", async () => {
	const [web, db] = [free(), free()];
	make();
	expect(ports.follow([service("web", web), service("db", db)])).toMatchObject({ added: ["web", "db"], replaced: [] });
	expect(ports.services()).toEqual([
		{ name: "web", scheme: "tcp", local: at(web), address: `db.local:${web}`, up: true },
		{ name: "db", scheme: "tcp", local: at(db), address: `db.local:${db}`, up: true },
	]);
	expect(ports.addresses()).toEqual([web, db].flatMap((port) => [at(port, "127.0.0.1"), at(port, "::1")]));
	for (const port of [web, db])
		for (const host of ["127.0.0.1", "::1"]) await (await puppet.connect(port, { host })).closed();
	expect(accepted.toSorted()).toEqual(["db", "db", "web", "web"]);
	ports.close();
	await expect(puppet.connect(web)).rejects.toThrow("ECONNREFUSED");
});

test("a hub that is restarted with other services: what it lacks is closed, what it has got is opened, the rest stays", async () => {
	const [web, db, api] = [free(), free(), free()];
	make();
	ports.follow([service("web", web), service("db", db)]);
	const changes = ports.follow([service("api", api), service("web", 1)]);
	expect(changes).toEqual({ added: ["api"], removed: [{ service: "db", local: at(db) }], replaced: [], failed: [] });
	expect(locals()).toEqual({ api, web });
	await expect(puppet.connect(db)).rejects.toThrow("ECONNREFUSED");
});

test("only what is wanted gets a port", () => {
	make({ only: new Set(["db"]) });
	ports.follow([service("web", free()), service("db", 0)]);
	expect(Object.keys(locals())).toEqual(["db"]);
	expect(ports.wanted.map(({ name }) => name)).toEqual(["db"]);
});

describe("before the hub is known", () => {
	test("what was named is opened, and a name that the hub lacks is closed again", async () => {
		const port = free();
		make(bound({ db: at(port), web: at(0, "127.0.0.1") }));
		ports.openEarly();
		await (await puppet.connect(port)).closed();
		ports.follow([service("web", 3000)]);
		expect(Object.keys(locals())).toEqual(["web"]);
		await expect(puppet.connect(port)).rejects.toThrow("ECONNREFUSED");
	});

	test("what was named and is taken is an error, and says who has it", async () => {
		const { port } = await puppet.listen("127.0.0.1");
		make(bound({ db: at(port) }));
		const { message, hint } = thrown("listen", () => ports.openEarly());
		expect(message).toMatch(`Cannot listen on 127.0.0.1:${port} for the service 'db': node (pid `);
		expect(hint).toBe("Stop it, or choose another address with --bind db=PORT; port 0 takes a free one.");
	});

	/** Pretends that these of the default ports are taken; nothing is really opened. */
	function defaults(...taken: number[]): number[] {
		const open: number[] = [];
		spyOn(tcp, "listen").mockImplementation((address) => {
			if (taken.includes(address.port)) throw Object.assign(new Error("taken"), { code: "EADDRINUSE" });
			open.push(address.port);
			return { address, stop: () => void open.splice(open.indexOf(address.port), 1) };
		});
		return open;
	}

	test("a default that is taken is no problem for a hub that does not need it", () => {
		const open = defaults(8000);
		make();
		ports.openEarly();
		expect(open).toEqual([3000, 3000, 4000, 4000]);
		expect(ports.follow([service("web", 3000)])).toMatchObject({ replaced: [], removed: [] });
		expect(open).toEqual([3000, 3000]);
		expect(locals()).toEqual({ web: 3000 });
	});

	test("a default that is taken, where ports must not be replaced, is an error only if the hub needs it", () => {
		defaults(8000);
		make({ strict: true });
		ports.openEarly();
		expect(ports.follow([service("web", 3000)])).toMatchObject({ replaced: [], failed: [] });
		const needed = () => ports.follow([service("web", 3000), service("backend", 8000)]);
		expect(thrown("listen", needed).message).toContain("127.0.0.1:8000 for the backend");
	});

	test("a default that was opened belongs to no service until the hub has said whose it is", async () => {
		make();
		const service8000 = { ...service("api", 8000) };
		defaults();
		ports.openEarly();
		ports.follow([service8000]);
		expect(locals()).toEqual({ api: 8000 });
	});
});

describe("a port that is taken", () => {
	test("is replaced by the next free one; it is said who has it", async () => {
		const { port } = await puppet.listen("::1");
		make();
		const { replaced, added } = ports.follow([service("db", port)]);
		const local = locals().db as number;
		expect(local).toBeGreaterThan(port);
		expect(added).toEqual(["db"]);
		expect(replaced).toMatchObject([
			{ service: "db", wanted: at(port), local: at(local), why: "busy", owner: { program: "node" } },
		]);
		expect(ports.addresses()).toEqual([at(local, "127.0.0.1"), at(local, "::1")]);
	});

	test("by another service of the hub is replaced, too, and no other service loses its port to that", async () => {
		const port = free();
		make();
		const services = [service("web", port), service("api", port), service("db", port + 1)];
		const { replaced } = ports.follow(services);
		const where = locals();
		expect(where).toMatchObject({ web: port, db: port + 1 });
		expect(replaced).toMatchObject([{ service: "api", owner: { pid: process.pid } }]);
	});

	test("is an error when ports must not be replaced", async () => {
		const { port } = await puppet.listen("127.0.0.1");
		make({ strict: true });
		const { message } = thrown("listen", () => ports.follow([service("db", port)]));
		expect(message).toMatch(`Cannot listen on 127.0.0.1:${port} for the service 'db': node (pid `);
	});

	test("all of them are looked up at once", async () => {
		const taken = await Promise.all([puppet.listen("127.0.0.1"), puppet.listen("127.0.0.1")]);
		make();
		const asking = spyOn(owners, "listenersOn");
		const { replaced } = ports.follow(taken.map(({ port }, i) => service(`s${i}`, port)));
		expect(replaced.map(({ owner }) => owner?.program)).toEqual(["node", "node"]);
		expect(asking).toHaveBeenCalledTimes(1);
	});
});

describe("with the system's refusals made up,", () => {
	function refuse(code: string, refused: (port: number) => boolean): void {
		spyOn(tcp, "listen").mockImplementation((address) => {
			if (refused(address.port)) throw Object.assign(new Error("no"), { code });
			return { address: { ...address, port: address.port || 40_000 }, stop() {} };
		});
	}

	test("a port below 1024 that may not be opened is 10,000 higher", () => {
		refuse("EACCES", (port) => port < 1024);
		make();
		const { replaced } = ports.follow([service("web", 80)]);
		expect(replaced).toEqual([{ service: "web", wanted: at(80), local: at(10_080), why: "denied", owner: undefined }]);
	});

	test("when no near port can be had it is any free one", () => {
		refuse("EADDRINUSE", (port) => port !== 0);
		spyOn(owners, "listenersOn").mockReturnValue(undefined);
		spyOn(tcp, "listen").mockImplementation((address) => {
			// The free port that was given for one family is asked for again for the other.
			if (address.port !== 0 && address.port !== 40_000) throw Object.assign(new Error("no"), { code: "EADDRINUSE" });
			return { address: { ...address, port: 40_000 }, stop() {} };
		});
		make();
		expect(ports.follow([service("db", 5432)]).replaced).toMatchObject([{ local: at(40_000), owner: undefined }]);
	});

	test("a service that gets no port at all is named with the reason, and the others have theirs", () => {
		refuse("EMFILE", (port) => port === 5432);
		make();
		const { added, failed } = ports.follow([service("web", 3000), service("db", 5432)]);
		expect(added).toEqual(["web"]);
		expect(failed.map(({ service, error }) => [service, error.code])).toEqual([["db", "listen"]]);
		expect(failed[0]?.error.message).toBe("Cannot listen on 127.0.0.1:5432 for the service 'db': no.");
		expect(locals()).toEqual({ web: 3000 });
	});

	test("as many services as a hub may have get their ports, and not one more is open", () => {
		refuse("EACCES", () => false);
		make();
		ports.openEarly();
		ports.follow(Array.from({ length: SERVICES_MAX }, (_, i) => service(`s${i}`, 5000 + i)));
		expect(ports.services()).toHaveLength(SERVICES_MAX);
		expect(ports.addresses()).toHaveLength(2 * SERVICES_MAX);
	});
});

describe("a person who can be asked", () => {
	let questions: PortQuestion[];
	const answers = (...list: (number | undefined)[]) => {
		questions = [];
		return async (question: PortQuestion) => {
			questions.push(question);
			return list[questions.length - 1];
		};
	};

	/** A service whose port Node has; resolves with that port and with what was not asked about. */
	async function askedFor(ask: PortChoices["ask"]): Promise<{ taken: number; proposed: number; told: string[] }> {
		const { port: taken } = await puppet.listen("127.0.0.1");
		make({ ask });
		const { replaced } = ports.follow([service("db", taken)]);
		const proposed = locals().db as number;
		const told = await ports.ask(replaced);
		return { taken, proposed, told: told.map(({ service }) => service) };
	}

	test("is told who has the port, and takes the proposed one by saying nothing", async () => {
		const { taken, proposed, told } = await askedFor(answers(undefined));
		expect(questions).toMatchObject([{ service: "db", taken, why: "busy", owner: { program: "node" }, proposed }]);
		expect(told).toEqual([]);
		expect(locals()).toEqual({ db: proposed });
	});

	test("chooses another one, and the proposed one is free again", async () => {
		const other = free();
		const { proposed } = await askedFor(answers(other));
		expect(locals()).toEqual({ db: other });
		await (await puppet.connect(other)).closed();
		expect(accepted).toEqual(["db"]);
		await expect(puppet.connect(proposed)).rejects.toThrow("ECONNREFUSED");
	});

	test("who names one that is taken, too, is asked again, now about that one", async () => {
		const second = await puppet.listen("127.0.0.1");
		const { taken, proposed } = await askedFor(answers(second.port, undefined));
		expect(questions.map(({ taken }) => taken)).toEqual([taken, second.port]);
		expect(questions[1]).toMatchObject({ owner: { program: "node" }, proposed });
		expect(locals()).toEqual({ db: proposed });
	});

	test("is not asked forever", async () => {
		const second = await puppet.listen("127.0.0.1");
		const { proposed } = await askedFor(answers(...new Array(100).fill(second.port)));
		expect(questions).toHaveLength(PORT_QUESTIONS_MAX);
		expect(locals()).toEqual({ db: proposed });
	});

	test("is not asked about a port that another service of the hub has, but told", async () => {
		const port = free();
		make({ ask: answers() });
		const { replaced } = ports.follow([service("web", port), service("api", port)]);
		expect((await ports.ask(replaced)).map(({ service }) => service)).toEqual(["api"]);
		expect(questions).toEqual([]);
	});

	test("takes so long that the hub has been restarted without the service: the answer opens nothing", async () => {
		const other = free();
		const { proposed } = await askedFor(async () => {
			ports.follow([]);
			return other;
		});
		expect(locals()).toEqual({});
		for (const port of [other, proposed]) await expect(puppet.connect(port)).rejects.toThrow("ECONNREFUSED");
	});
});
