// From a new connection to an open mailbox (docs/mailbox-protocol.md, "Opening a mailbox"), and back into it after the
// connection was lost ("Reconnecting").
import type { ServerMessage } from "../messages.ts";
import { addMissing, end, release } from "./closing.ts";
import { add } from "./key-exchange.ts";
import { EXCHANGE_MS, HASHCASH_BITS_MAX, MAILBOX_SETUP_MS } from "./limits.ts";
import { pakeBody } from "./payload.ts";
import { start } from "./spake2.ts";
import { answered, type Draft, type Effect } from "./state.ts";

/** A new connection; the server speaks first. */
export function connected(state: Draft, effects: Effect[]) {
	state.connection = { at: "greeting" };
	// What reached the server before the last connection was lost will show in the replay.
	state.mine = state.mine.map((own) => (own.echo === "here" ? { ...own, echo: "earlier" } : own));
	if (state.nameplate?.use === "releasing") state.nameplate = { ...state.nameplate, use: "held" };
	effects.push({ type: "timer", name: "setup", ms: MAILBOX_SETUP_MS });
}

/** The server's greeting: what it requires comes before `bind`. */
export function welcome(state: Draft, effects: Effect[], message: ServerMessage & { type: "welcome" }) {
	if (state.connection.at !== "greeting") return;
	const { permission } = message;
	const refuse = (why: string) => end(state, effects, { kind: "refused", why }, "errory");
	if (message.motd !== undefined) effects.push({ type: "motd", text: message.motd });
	if (message.error !== undefined) return refuse(message.error);
	if (permission.method === "none") return bind(state, effects);
	if (permission.method === "unknown") {
		return refuse(`it requires a permission that this program cannot get: ${permission.names}`);
	}
	if (permission.bits > HASHCASH_BITS_MAX) {
		return refuse(
			`it requires ${permission.bits} bits of hashcash, more than the ${HASHCASH_BITS_MAX} that this program computes`,
		);
	}
	state.connection = { at: "stamping" };
	effects.push({ type: "timer", name: "setup" });
	effects.push({ type: "hashcash", bits: permission.bits, resource: permission.resource });
}

/** The stamp that the server required has been computed. */
export function stamped(state: Draft, effects: Effect[], stamp: string) {
	if (state.connection.at !== "stamping") return;
	effects.push({ type: "send", message: { type: "submit-permissions", method: "hashcash", stamp } });
	bind(state, effects);
}

/** The nameplate of a new code, which makes the code complete. */
export function allocated(state: Draft, effects: Effect[], name: string) {
	const { setup } = state;
	if (state.connection.at !== "allocating" || setup.role !== "offer") return;
	state.nameplate = { name, use: "held" };
	state.spake = start(`${name}-${setup.words}`, setup.appid, setup.secrets.scalar);
	state.connection = { at: "claiming" };
	effects.push({ type: "send", message: { type: "claim", nameplate: name } });
}

/** The mailbox behind the nameplate. */
export function claimed(state: Draft, effects: Effect[], mailbox: string) {
	const { connection, spake } = state;
	if (connection.at === "claiming" && spake) {
		state.mailbox = mailbox;
		state.connection = { at: "open", othersSeen: false };
		effects.push({ type: "send", message: { type: "open", mailbox } });
		add(state, effects, "pake", pakeBody(spake.message));
	} else if (connection.at === "reclaiming") {
		state.connection = answered(connection);
		// `release` belongs to the nameplate; `close` to the mailbox that is open.
		if (state.mailbox !== mailbox) return end(state, effects, { kind: "forgotten" }, "errory");
		addMissing(state, effects);
	} else return;
	live(state, effects);
}

/** Everything that the server still has of this exchange has been replayed. */
export function replayed(state: Draft, effects: Effect[]) {
	const { connection, nameplate } = state;
	if (connection.at !== "replaying") return;
	state.connection = { ...connection, at: "open" };
	if (state.other) {
		release(state, effects);
		addMissing(state, effects);
		live(state, effects);
	} else if (state.mine.some(({ phase, echo }) => phase === "pake" && echo === "earlier")) {
		end(state, effects, { kind: "forgotten" }, "lonely");
	} else if (nameplate) {
		state.connection = { ...connection, at: "reclaiming" };
		effects.push({ type: "send", message: { type: "claim", nameplate: nameplate.name } });
	}
}

// --- internal ---

function bind(state: Draft, effects: Effect[]) {
	const { appid, secrets } = state.setup;
	effects.push({ type: "timer", name: "setup", ms: MAILBOX_SETUP_MS });
	effects.push({ type: "send", message: { type: "bind", appid, side: secrets.side } });
	if (state.mailbox !== undefined) {
		// After a reconnection, look into the mailbox before touching the nameplate: if the server has forgotten us, the
		// nameplate may be somebody else's by now, and a claim would spend their code. The pong ends the replay.
		state.connection = { at: "replaying", othersSeen: false };
		effects.push({ type: "send", message: { type: "open", mailbox: state.mailbox } });
		effects.push({ type: "send", message: { type: "ping", ping: 1 } });
	} else if (state.nameplate) {
		state.connection = { at: "claiming" };
		effects.push({ type: "send", message: { type: "claim", nameplate: state.nameplate.name } });
	} else {
		state.connection = { at: "allocating" };
		effects.push({ type: "send", message: { type: "allocate" } });
	}
}

/** The code works from here on (again), or the exchange goes on. */
function live(state: Draft, effects: Effect[]) {
	const { setup, nameplate } = state;
	effects.push({ type: "timer", name: "setup" });
	if (state.other) effects.push({ type: "timer", name: "exchange", ms: EXCHANGE_MS });
	else if (setup.role === "redeem") effects.push({ type: "live", code: setup.code.text });
	else effects.push({ type: "live", code: `${nameplate?.name}-${setup.words}` });
}
