// Relays that answer the HTTP request of relay-ping.ts as the test wants.
import { type Mock, spyOn } from "bun:test";
import { EventEmitter } from "node:events";
import * as http from "node:http";

/** What each URL answers: a status; undefined never answers, an Error breaks the connection. */
export type Answers = Record<string, number | Error | undefined>;

/** Imitates Node's request, for as long as the mock lasts. `answers` is asked at each request. */
export function answerPings(answers: () => Answers): Mock<typeof http.get> {
	const get = (url: URL, { signal }: http.RequestOptions, onResponse: (response: unknown) => void): EventEmitter => {
		const request = Object.assign(new EventEmitter(), { destroy() {} });
		const answer = answers()[url.href];
		signal?.addEventListener("abort", () => request.emit("error", new Error("aborted")));
		queueMicrotask(() => {
			if (answer instanceof Error) request.emit("error", answer);
			else if (answer !== undefined) onResponse({ statusCode: answer });
		});
		return request;
	};
	return spyOn(http, "get").mockImplementation(get as unknown as typeof http.get);
}
