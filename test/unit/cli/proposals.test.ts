// Which of the programs that listen here are proposed as services.
import { expect, test } from "bun:test";
import { programOf, proposeServices } from "../../../src/cli/proposals.ts";

const listener = (port: number, program?: string, host = "127.0.0.1") => ({
	address: { host, port },
	pid: program === undefined ? undefined : 4711,
	program,
});
const proposed = (...listening: ReturnType<typeof listener>[]) =>
	proposeServices(listening).map(({ name, target }) => `${name}=${target}`);

test("well-known ports, by name, in a sensible order; nothing else", () => {
	expect(
		proposed(
			listener(5432, "postgres"),
			listener(45_123, "code"),
			listener(22, "sshd"),
			listener(8000, "python3"),
			listener(3000, "node"),
			listener(8025, "mailpit"),
			listener(6379, "redis-server"),
		),
	).toEqual(["web=3000", "api=8000", "mail=8025", "db=5432", "redis=6379"]);
	expect(proposed()).toEqual([]);
});

test("a second one of a kind is named after its port, too", () => {
	expect(proposed(listener(3000, "node"), listener(5173, "node"), listener(4200, "node"))).toEqual([
		"web=3000",
		"web-5173=5173",
		"web-4200=4200",
	]);
});

test("a program that listens on several addresses is one; localhost is preferred, any other address is named", () => {
	expect(proposed(listener(3000, "node"), listener(3000, "node", "::1"))).toEqual(["web=3000"]);
	for (const host of ["0.0.0.0", "::", "::1"]) expect(proposed(listener(3000, "node", host))).toEqual(["web=3000"]);
	expect(proposed(listener(5432, "postgres", "192.168.1.5"))).toEqual(["db=192.168.1.5:5432"]);
	expect(proposed(listener(5432, "postgres", "127.0.0.2"))).toEqual(["db=127.0.0.2:5432"]);
	expect(proposed(listener(5432, "postgres", "fd00::1"))).toEqual(["db=[fd00::1]:5432"]);
	expect(proposed(listener(3000, "node", "10.0.0.1"), listener(3000, "ruby"))).toEqual(["web=3000"]);
});

test("the local ports of our own peers are not proposed, but a service on another address of the same port is", () => {
	expect(proposed(listener(3000, "hivemind-p2p"), listener(8000, "python3"))).toEqual(["api=8000"]);
	expect(proposed(listener(3000, "hivemind-p2p"), listener(3000, "node", "10.0.0.1"))).toEqual(["web=10.0.0.1:3000"]);
});

test("where the system does not tell the program, the usual one is named", () => {
	const [known, unknown] = proposeServices([listener(3000, "node"), listener(5432)]);
	expect(known && programOf(known)).toBe("node");
	expect(unknown && programOf(unknown)).toBe("probably postgres");
});
