// Asking a status server: of this program, of another program, of one that is not there or does not answer.
import { afterEach, describe, expect, test } from "bun:test";
import { HivemindError } from "../../../src/base/errors.ts";
import { askHealth, askSnapshot } from "../../../src/status/client.ts";
import { STATUS_ANSWER_MAX } from "../../../src/status/limits.ts";
import { startStatusServer } from "../../../src/status/server.ts";
import { FakeSource, hubSnapshot, peerSnapshot } from "../../support/status-source.ts";
import { resultOr } from "../../support/throws.ts";

const never = new AbortController().signal;
const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
	await Promise.all(stops.splice(0).map((stop) => stop()));
});

/** The address of a status server. */
function status(source: FakeSource, token?: string, host = "127.0.0.1") {
	const server = startStatusServer({ address: { host, port: 0 }, source, ...(token !== undefined && { token }) });
	stops.push(() => server.stop());
	return { host, port: Number(new URL(server.url).port) };
}

/** The address of another program. */
function other(answer: (request: Request) => Response | Promise<Response>) {
	const server = Bun.serve({ hostname: "127.0.0.1", port: 0, development: false, fetch: answer });
	stops.push(() => server.stop(true));
	return { host: "127.0.0.1", port: server.port as number };
}

async function refusal(asked: Promise<unknown>): Promise<HivemindError> {
	const result = await resultOr("unreachable", asked);
	expect(result).toBeInstanceOf(HivemindError);
	return result as HivemindError;
}

test("a snapshot, and whether all is well", async () => {
	const source = new FakeSource(peerSnapshot());
	const address = status(source);
	expect(await askSnapshot({ address, stop: never })).toEqual(source.snapshot());
	expect(await askHealth({ address, stop: never })).toBeUndefined();
	source.state = hubSnapshot({ state: "starting" });
	expect(await askHealth({ address, stop: never })).toBe("Not healthy: the hub is starting.");
});

test("a server on every address is asked on loopback", async () => {
	const address = status(new FakeSource(hubSnapshot()), "token", "0.0.0.0");
	expect(await askSnapshot({ address, token: "token", stop: never })).toMatchObject({ role: "hub" });
});

test("no proxy of the environment is asked", async () => {
	let asked = 0;
	const proxy = other(() => {
		asked++;
		return new Response();
	});
	const address = status(new FakeSource(hubSnapshot()));
	const program = `
		import { askSnapshot } from ${JSON.stringify(`${import.meta.dir}/../../../src/status/client.ts`)};
		const snapshot = await askSnapshot({ address: ${JSON.stringify(address)}, stop: new AbortController().signal });
		console.log(snapshot.name);`;
	const url = `http://127.0.0.1:${proxy.port}`;
	const child = Bun.spawn([process.execPath, "-e", program], {
		env: { PATH: process.env.PATH, HTTP_PROXY: url, http_proxy: url, ALL_PROXY: url },
		stdout: "pipe",
	});
	expect(await new Response(child.stdout).text()).toBe("my-hub\n");
	expect(asked).toBe(0);
});

describe("what cannot be had:", () => {
	test("nothing listens", async () => {
		const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
		const address = { host: "127.0.0.1", port: server.port as number };
		await server.stop(true);
		const error = await refusal(askSnapshot({ address, stop: never }));
		expect(error.message).toBe(`No status at 127.0.0.1:${address.port}: nothing listens there.`);
		expect(error.hint).toContain("--status");
		await refusal(askHealth({ address, stop: never }));
	});

	test("the token is missing, or wrong", async () => {
		const address = status(new FakeSource(hubSnapshot()), "token");
		expect((await refusal(askSnapshot({ address, stop: never }))).message).toEndWith(" needs a token.");
		const wrong = await refusal(askHealth({ address, token: "other", stop: never }));
		expect(wrong.message).toEndWith(" has another token.");
		expect(wrong.hint).toContain("--token");
	});

	test.each<[string, () => Response]>([
		["another page", () => new Response("<h1>hello</h1>")],
		["other JSON", () => Response.json({ role: "hub" })],
		["a list", () => Response.json([])],
		["null", () => new Response("null")],
	])("%s", async (_, answer) => {
		const { message } = await refusal(askSnapshot({ address: other(answer), stop: never }));
		expect(message).toMatch(/^What answers at 127\.0\.0\.1:\d+ is not hivemind-p2p\.$/);
	});

	test("another status, and a redirect, which is not followed", async () => {
		let followed = 0;
		const elsewhere = other(() => {
			followed++;
			return new Response();
		});
		const redirecting = other(() => Response.redirect(`http://127.0.0.1:${elsewhere.port}/`, 302));
		expect((await refusal(askSnapshot({ address: redirecting, stop: never }))).message).toContain(
			" answers with 302: ",
		);
		const missing = other(() => new Response("no", { status: 404 }));
		expect((await refusal(askHealth({ address: missing, stop: never }))).message).toEndWith(" answers with 404: no");
		expect(followed).toBe(0);
	});

	test("an answer without end", async () => {
		const piece = "x".repeat(STATUS_ANSWER_MAX / 4);
		const endless = other(() => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(piece) })));
		const { message } = await refusal(askSnapshot({ address: endless, stop: never }));
		expect(message).toEndWith(": the answer is too long.");
	});

	test("a connection that is closed at once", async () => {
		const reset = Bun.listen({
			hostname: "127.0.0.1",
			port: 0,
			socket: { open: (socket) => socket.terminate(), data() {} },
		});
		stops.push(async () => reset.stop(true));
		const { message } = await refusal(askSnapshot({ address: { host: "127.0.0.1", port: reset.port }, stop: never }));
		expect(message).toEndWith(": the connection was closed.");
	});
});

test("a question can be stopped", async () => {
	const controller = new AbortController();
	const silent = other(() => {
		controller.abort();
		return new Promise<Response>(() => {});
	});
	const asked = askSnapshot({ address: silent, stop: controller.signal });
	expect(await asked.catch((error: unknown) => error)).toBe(controller.signal.reason);
});
