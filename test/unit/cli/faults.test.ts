// After a bug the program stops cleanly, but within a bounded time.
import { afterEach, beforeEach, expect, jest, type Mock, spyOn, test } from "bun:test";
import { watchFaults } from "../../../src/cli/faults.ts";
import { FAULT_STOP_MS } from "../../../src/cli/limits.ts";
import { DRAIN_MS } from "../../../src/forward/limits.ts";
import { CLOSE_MS } from "../../../src/transport/limits.ts";

let write: Mock<typeof process.stderr.write>;

beforeEach(() => {
	jest.useFakeTimers();
	write = spyOn(process.stderr, "write").mockImplementation(() => true);
});
afterEach(() => {
	jest.useRealTimers();
	write.mockRestore();
});

test("a bug aborts the signal; if the program does not stop by itself, it is ended after a bounded time", () => {
	const stop = new AbortController();
	const end = jest.fn();
	const faults = watchFaults(stop, end);
	expect(faults.reported).toBe(false);
	faults.report(new Error("a bug"));
	expect(faults.reported).toBe(true);
	expect(stop.signal.aborted).toBe(true);
	jest.advanceTimersByTime(FAULT_STOP_MS - 1);
	expect(end).not.toHaveBeenCalled();
	jest.advanceTimersByTime(1);
	expect(end).toHaveBeenCalledTimes(1);
});

test("a thrown value that is not an error is reported, too, on one line", () => {
	watchFaults(new AbortController(), () => {}).report("a string\u001b[2J\nand more");
	expect(write.mock.calls.flat().join("")).toBe(
		"error: This is a bug in hivemind-p2p, please report it: a string [2J\n",
	);
});

test("a clean stop fits into the bound", () => {
	expect(FAULT_STOP_MS).toBeGreaterThan(DRAIN_MS + CLOSE_MS);
});
