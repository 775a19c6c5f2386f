// What a peer prints about the hub's services, with a clock that the test controls.
import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import { setVerbosity } from "../../../src/base/output.ts";
import type { HubService } from "../../../src/peer/hub-services.ts";
import { REFUSAL_REASON_MS } from "../../../src/peer/limits.ts";
import { peerReporter } from "../../../src/peer/reporter.ts";
import { ServiceStatus } from "../../../src/peer/service-status.ts";
import { REPORT_EVERY_MS } from "../../../src/transport/limits.ts";
import { Clock } from "../../support/far-hub.ts";
import { turn } from "../../support/native-halves.ts";

const backend = (up: boolean | undefined): HubService => {
	const address = up === undefined ? undefined : "127.0.0.1:8000";
	return { portId: 2, name: "backend", scheme: "http", address, up };
};
const LOCAL = "127.0.0.1:18000";
const DOWN = "The backend is not running on the hub (127.0.0.1:8000).";
const ASKED = `error: ${DOWN} A connection to ${LOCAL} was refused.`;
const UP = "The backend is running again.";

let clock: Clock;
let printed: Mock<typeof process.stderr.write>;
let status: ServiceStatus;

beforeEach(() => {
	clock = new Clock();
	printed = spyOn(process.stderr, "write").mockReturnValue(true);
	status = new ServiceStatus(peerReporter());
});

afterEach(() => {
	status.close();
	printed.mockRestore();
	clock.restore();
});

const lines = (): string[] => printed.mock.calls.map(([text]) => String(text).trimEnd());
const hear = (up: boolean | undefined): void => status.update([backend(up)]);

test("a service that is down at the start is told by the list of services, and by no line before or after it", async () => {
	hear(false);
	status.startReporting();
	hear(false);
	await clock.pass(2 * REPORT_EVERY_MS);
	expect(lines()).toEqual([]);
	hear(true);
	hear(false);
	await clock.pass(2 * REPORT_EVERY_MS);
	expect(lines()).toEqual([UP, DOWN]);
});

test("the same state twice is reported once", async () => {
	hear(true);
	status.startReporting();
	for (const up of [true, false, false]) hear(up);
	await clock.pass(2 * REPORT_EVERY_MS);
	hear(false);
	expect(lines()).toEqual([DOWN]);
});

test("a service that is up again within a second is reported as running again, a second later", async () => {
	hear(true);
	status.startReporting();
	hear(false);
	await clock.pass(REPORT_EVERY_MS / 2);
	hear(true);
	expect(lines()).toEqual([DOWN]);
	await clock.pass(REPORT_EVERY_MS);
	expect(lines()).toEqual([DOWN, UP]);
});

test("a service that goes up and down all the time is at most one line a second, and the last line is true", async () => {
	status.startReporting();
	for (let i = 0; i < 1000; i++) {
		hear(i % 2 === 0);
		await clock.pass(REPORT_EVERY_MS / 100);
	}
	await clock.pass(2 * REPORT_EVERY_MS);
	expect(lines().length).toBeGreaterThan(2);
	expect(lines().length).toBeLessThanOrEqual(12);
	expect(lines().at(-1)).toBe(DOWN);
});

test("a service that a restarted hub no longer has is forgotten: when it is back, it is new with its state", async () => {
	hear(true);
	status.startReporting();
	hear(false);
	status.update([]);
	await clock.pass(2 * REPORT_EVERY_MS);
	hear(false);
	expect(lines()).toEqual([DOWN]);
	hear(true);
	expect(lines()).toEqual([DOWN, UP]);
	status.update([]);
	hear(true);
	await clock.pass(2 * REPORT_EVERY_MS);
	expect(lines()).toEqual([DOWN, UP]);
});

describe("a refused connection", () => {
	const refuse = () => status.refused("backend", LOCAL, clock.now);

	test("to a service that is known to be down is reported once until it is up again, as something may poll it", async () => {
		hear(false);
		status.startReporting();
		await clock.pass(1);
		for (let i = 0; i < 10; i++) {
			await refuse();
			await clock.pass(REPORT_EVERY_MS);
		}
		expect(lines()).toEqual([ASKED]);
		hear(true);
		hear(false);
		await clock.pass(REPORT_EVERY_MS + 1);
		await refuse();
		expect(lines().slice(1)).toEqual([UP, DOWN, ASKED]);
	});

	test("is logged each time, at most one line a second", async () => {
		setVerbosity(2);
		hear(false);
		status.startReporting();
		await clock.pass(1);
		await refuse();
		await clock.pass(REPORT_EVERY_MS / 2);
		await refuse();
		await clock.pass(REPORT_EVERY_MS);
		await refuse();
		setVerbosity(0);
		expect(lines()).toEqual([ASKED, ASKED.replace("error", "info")]);
	});

	test("that revealed to the hub that the service is down is one line, whichever message comes first", async () => {
		status.startReporting();
		hear(true);
		const refused = refuse();
		await clock.pass(REFUSAL_REASON_MS / 2);
		hear(false);
		await clock.pass(REFUSAL_REASON_MS);
		await refused;
		expect(lines()).toEqual([DOWN]);
	});

	test("that reports what was about to be reported is not followed by the same line", async () => {
		hear(true);
		status.startReporting();
		hear(false);
		await clock.pass(REPORT_EVERY_MS);
		hear(true);
		hear(false);
		await refuse();
		await clock.pass(2 * REPORT_EVERY_MS);
		expect(lines()).toEqual([DOWN, UP, ASKED]);
	});

	test("by a hub of the original program, which does not list its services, is reported without an address", async () => {
		hear(undefined);
		status.startReporting();
		await refuse();
		expect(lines()).toEqual([`error: The backend is not running on the hub. A connection to ${LOCAL} was refused.`]);
	});

	test("to a service that is up is not blamed on the service", async () => {
		status.startReporting();
		hear(true);
		const refused = refuse();
		await clock.pass(REFUSAL_REASON_MS);
		await refused;
		expect(lines()).toEqual([`error: The hub refused a connection to the backend (${LOCAL}).`]);
	});

	test("is not reported by a peer that is being stopped", async () => {
		status.startReporting();
		hear(true);
		const refused = refuse();
		status.close();
		await clock.pass(REFUSAL_REASON_MS);
		await refused;
		hear(false);
		await turn();
		expect(lines()).toEqual([]);
	});
});
