// What redeeming a join code reports while it waits. The exchange itself: test/e2e/wormhole.test.ts.
import { expect, test } from "bun:test";
import { type RedeemEvent, redeemCode } from "../../../src/invite/redeem-code.ts";
import { resultOr } from "../../support/throws.ts";

/** The events of redeeming a code at a mailbox server that is not there. */
async function eventsOf(code: string, error: "code" | "mailbox"): Promise<RedeemEvent[]> {
	const gone = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
	const mailbox = `ws://127.0.0.1:${gone.port}/v1`;
	gone.stop(true);
	const events: RedeemEvent[] = [];
	const emit = (event: RedeemEvent) => void events.push(event);
	const redeeming = redeemCode(code, { mailbox, timeoutMs: 1000 }, emit, new AbortController().signal);
	expect(await resultOr(error, redeeming)).toBeInstanceOf(Error);
	return events;
}

test("the wait for the mailbox server is over when it cannot be reached", async () => {
	const waiting = { type: "waiting", what: "the mailbox server" } as const;
	const [first, ...rest] = await eventsOf("7-crossword-clockwork", "mailbox");
	expect(first).toEqual(waiting);
	expect(rest.at(-1)).toEqual({ type: "waited" });
	for (const event of rest.slice(0, -1)) expect(event).toEqual(waiting);
});

test("the wait is over when the code cannot be read", async () => {
	expect((await eventsOf("not a code", "code")).at(-1)).toEqual({ type: "waited" });
});
