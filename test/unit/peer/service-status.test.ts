// What a peer reads about the hub's services, over a clock that the test holds.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import { setVerbosity } from "../../../src/base/output.ts";
import { WORD_MS } from "../../../src/peer/limits.ts";
import { ServiceStatus } from "../../../src/peer/service-status.ts";
import { SERVICES, type Service } from "../../../src/protocol/services.ts";
import { REPORT_EVERY_MS } from "../../../src/transport/limits.ts";
import { Clock } from "../../support/far-hub.ts";
import { turn } from "../../support/native-halves.ts";

const BACKEND = SERVICES[1] as Service;
const LOCAL = "127.0.0.1:18000";
const DOWN = "The backend is not running on the hub (127.0.0.1:8000).";
const ASKED = `error: ${DOWN} Asked for at ${LOCAL}.`;
const UP = "The backend is running again.";

let clock: Clock;
let printed: Mock<typeof process.stderr.write>;
let downtime: ServiceStatus;

beforeEach(() => {
	clock = new Clock();
	printed = spyOn(process.stderr, "write").mockReturnValue(true);
	downtime = new ServiceStatus();
});

afterEach(() => {
	downtime.close();
	printed.mockRestore();
	clock.restore();
});

const lines = (): string[] => printed.mock.calls.map(([text]) => String(text).trimEnd());
const hear = (up: boolean): void =>
	downtime.heard([{ port: BACKEND.portId, name: "backend", address: "127.0.0.1:8000", up }]);

test("what is down at the start is said under the list of services, not above it", () => {
	hear(false);
	expect(lines()).toEqual([]);
	downtime.speak();
	expect(lines()).toEqual([DOWN]);
});

test("the same news twice is said once", async () => {
	downtime.speak();
	for (const up of [true, false, false]) hear(up);
	await clock.pass(2 * REPORT_EVERY_MS);
	hear(false);
	expect(lines()).toEqual([DOWN]);
});

test("a service that runs again within a second is said to run again, a second later", async () => {
	downtime.speak();
	hear(false);
	await clock.pass(REPORT_EVERY_MS / 2);
	hear(true);
	expect(lines()).toEqual([DOWN]);
	await clock.pass(REPORT_EVERY_MS);
	expect(lines()).toEqual([DOWN, UP]);
});

test("one that comes and goes all the time is a line a second at most, and the last word is true", async () => {
	downtime.speak();
	for (let i = 0; i < 1000; i++) {
		hear(i % 2 === 0);
		await clock.pass(REPORT_EVERY_MS / 100);
	}
	await clock.pass(2 * REPORT_EVERY_MS);
	expect(lines().length).toBeGreaterThan(2);
	expect(lines().length).toBeLessThanOrEqual(12);
	expect(lines().at(-1)).toBe(DOWN);
});

describe("a refused connection", () => {
	const refuse = () => downtime.refused(BACKEND, LOCAL, clock.now);

	test("to a service that is known to be down is explained once until it runs again: something may poll it", async () => {
		hear(false);
		downtime.speak();
		await clock.pass(1);
		for (let i = 0; i < 10; i++) {
			await refuse();
			await clock.pass(REPORT_EVERY_MS);
		}
		expect(lines()).toEqual([DOWN, ASKED]);
		hear(true);
		hear(false);
		await clock.pass(REPORT_EVERY_MS + 1);
		await refuse();
		expect(lines().slice(2)).toEqual([UP, DOWN, ASKED]);
	});

	test("is in the log each time, a line a second at most", async () => {
		setVerbosity(2);
		hear(false);
		downtime.speak();
		await clock.pass(1);
		await refuse();
		await clock.pass(REPORT_EVERY_MS / 2);
		await refuse();
		await clock.pass(REPORT_EVERY_MS);
		await refuse();
		setVerbosity(0);
		expect(lines()).toEqual([DOWN, ASKED, ASKED.replace("error", "info")]);
	});

	test("whose dial told the hub that the service is down is one line, whichever word comes first", async () => {
		downtime.speak();
		hear(true);
		const refused = refuse();
		await clock.pass(WORD_MS / 2);
		hear(false);
		await clock.pass(WORD_MS);
		await refused;
		expect(lines()).toEqual([DOWN]);
	});

	test("that says what was about to be said is not followed by the same", async () => {
		downtime.speak();
		hear(false);
		await clock.pass(REPORT_EVERY_MS);
		hear(true);
		hear(false);
		await refuse();
		await clock.pass(2 * REPORT_EVERY_MS);
		expect(lines()).toEqual([DOWN, UP, ASKED]);
	});

	test("of a hub that says nothing of its services, one of the original program, is explained without an address", async () => {
		downtime.speak();
		await refuse();
		expect(lines()).toEqual([`error: The backend is not running on the hub. Asked for at ${LOCAL}.`]);
	});

	test("to a service that runs is not blamed on the service", async () => {
		downtime.speak();
		hear(true);
		const refused = refuse();
		await clock.pass(WORD_MS);
		await refused;
		expect(lines()).toEqual([`error: The hub refused a connection for the backend, asked for at ${LOCAL}.`]);
	});

	test("is not explained by a peer that is being stopped", async () => {
		downtime.speak();
		hear(true);
		const refused = refuse();
		downtime.close();
		await clock.pass(WORD_MS);
		await refused;
		hear(false);
		await turn();
		expect(lines()).toEqual([]);
	});
});
