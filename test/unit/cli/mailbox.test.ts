// Where a mailbox server listens by itself, and what it says when it cannot.
import { afterEach, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { parseAddress } from "../../../src/base/address.ts";
import type { HivemindError } from "../../../src/base/errors.ts";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { mailbox } from "../../../src/cli/mailbox.ts";
import { ORIGINAL_SERVICES } from "../../../src/protocol/services.ts";
import { resultOr } from "../../support/throws.ts";

let taken: Server | undefined;

afterEach(async () => {
	await new Promise((resolve) => (taken ? taken.close(resolve) : resolve(undefined)));
	taken = undefined;
});

/** Takes a port, unless another program has it already. */
async function take(port: number): Promise<number> {
	const server = createServer();
	const listening = await new Promise((resolve) => {
		server.once("error", () => resolve(false));
		server.listen({ host: "127.0.0.1", port }, () => resolve(true));
	});
	if (!listening) return port;
	taken = server;
	return (server.address() as { port: number }).port;
}

async function refusal(port: number): Promise<HivemindError> {
	const stop = AbortSignal.abort();
	const listen = `127.0.0.1:${port}`;
	const values = {
		listen,
		"trust-proxy": [],
		"allow-origin": [],
		json: false,
		help: false,
		version: false,
		verbose: 0,
	};
	const run = mailbox.run(values, stop, { file: undefined, cut: stop, table: COMMANDS });
	return (await resultOr("listen", run)) as HivemindError;
}

const port = (address: string) => parseAddress(address, "").port;

test("its default port is not that of a service: the README's example does not collide with it", () => {
	expect(ORIGINAL_SERVICES.map(({ defaultAddress }) => port(defaultAddress))).not.toContain(
		port(mailbox.args.listen.default),
	);
});

test("on port 4000, which is asked for, it says that the websocket is usually there", async () => {
	const { message, hint } = await refusal(await take(4000));
	expect(message).toMatch(/^The mailbox server cannot listen on 127\.0\.0\.1:4000: the port is in use/);
	expect(hint).toBe("On port 4000 there is usually the websocket. Choose another address with --listen.");
});

test.skipIf(process.platform === "win32")("on any other port that is taken it says by whom", async () => {
	const busy = await take(0);
	const { message, hint } = await refusal(busy);
	expect(message).toMatch(
		new RegExp(
			`^The mailbox server cannot listen on 127\\.0\\.0\\.1:${busy}: the port is in use by .+ \\(pid ${process.pid}\\)\\.$`,
		),
	);
	expect(hint).toBe("Choose another address with --listen.");
});
