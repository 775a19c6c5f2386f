// What each signal does, and which ones are the same.
import { afterEach, beforeEach, expect, jest, type Mock, spyOn, test } from "bun:test";
import { wasInterrupted } from "../../../src/base/interrupt.ts";
import { SILENCE_MS } from "../../../src/base/limits.ts";
import { CUT_MS, SIGNAL_ECHO_MS } from "../../../src/cli/limits.ts";
import { SIGNALS, type Signals, watchSignals } from "../../../src/cli/signals.ts";

const { SIGHUP, SIGINT, SIGTERM } = SIGNALS;

let now = 0;
let clock: Mock<typeof performance.now>;
let stop: AbortController;
let cut: AbortController;
let ended: number[];
let signals: Signals;

beforeEach(() => {
	now = 1000;
	clock = spyOn(performance, "now").mockImplementation(() => now);
	jest.useFakeTimers();
	stop = new AbortController();
	cut = new AbortController();
	ended = [];
	signals = watchSignals({ stop, cut, end: (status) => ended.push(status) });
});

afterEach(() => {
	jest.useRealTimers();
	clock.mockRestore();
});

const pass = (ms: number) => {
	now += ms;
	jest.advanceTimersByTime(ms);
};
const state = () => ({ stopped: stop.signal.aborted, cut: cut.signal.aborted, status: signals.status, ended });

test("the first asks, the second cuts short, the third ends at once", () => {
	expect(state()).toEqual({ stopped: false, cut: false, status: undefined, ended: [] });
	signals.take(SIGTERM);
	expect(state()).toEqual({ stopped: true, cut: false, status: undefined, ended: [] });
	pass(SIGNAL_ECHO_MS);
	signals.take(SIGINT);
	expect(state()).toEqual({ stopped: true, cut: true, status: 130, ended: [] });
	pass(SIGNAL_ECHO_MS);
	signals.take(SIGHUP);
	expect(ended).toEqual([129]);
});

test("Ctrl+C that the parent passes on once more is one, each time", () => {
	for (const expected of [
		{ stopped: true, cut: false, status: undefined, ended: [] },
		{ stopped: true, cut: true, status: 130, ended: [] },
	]) {
		signals.take(SIGINT);
		pass(SIGNAL_ECHO_MS / 2);
		signals.take(SIGTERM);
		pass(SIGNAL_ECHO_MS / 2 - 1);
		signals.take(SIGINT);
		expect(state()).toEqual(expected);
		pass(1);
	}
});

test("a program that does not end after the second is ended after a bounded time", () => {
	signals.take(SIGINT);
	pass(SIGNAL_ECHO_MS);
	signals.take(SIGINT);
	pass(CUT_MS - 1);
	expect(ended).toEqual([]);
	pass(1);
	expect(ended).toEqual([130]);
});

test("after a stop for another reason the first signal cuts short", () => {
	stop.abort();
	signals.take(SIGINT);
	expect(state()).toEqual({ stopped: true, cut: true, status: 130, ended: [] });
});

test("code that stops knows that it was a signal", () => {
	const other = new AbortController();
	const both = AbortSignal.any([other.signal, stop.signal]);
	signals.take(SIGINT);
	expect(wasInterrupted(both)).toBe(true);
	other.abort();
	expect(wasInterrupted(other.signal)).toBe(false);
});

test("when the program says what a second Ctrl+C does, it is no longer taken for the first", () => {
	expect(SIGNAL_ECHO_MS).toBeLessThanOrEqual(SILENCE_MS);
});
