// An iroh endpoint's life: wait for a relay, ticket, accept, connect, bind again, close.
// Called by share.ts, join.ts, uplink.ts, redial.ts and relay.ts; hands out Connections.

import { parseAddress } from "../base/address.ts";
import { firstLine, HivemindError } from "../base/errors.ts";
import { log } from "../base/output.ts";
import { pause, within } from "../base/timers.ts";
import { type AcceptOptions, Acceptor } from "./acceptor.ts";
import { alpnBytes, bindNative, type EndpointOptions } from "./bind.ts";
import { Connection } from "./connection.ts";
import {
	collectSoon,
	type EndpointAddr,
	isOtherProtocol,
	loadIroh,
	type Endpoint as NativeEndpoint,
	nativeReason,
	pin,
	unpin,
} from "./iroh.ts";
import { CLOSE_MS, CONNECT_MS, HANDSHAKE_MS, REBIND_PAUSE_MS, REBIND_SAME_PORTS, RELAY_MS } from "./limits.ts";

export type { EndpointOptions } from "./bind.ts";

/** @throws HivemindError `bind` or `addon` */
export async function bindEndpoint(options: EndpointOptions): Promise<Endpoint> {
	return new Endpoint(await bindNative(options), options);
}

export class Endpoint {
	/** Forgotten when it is closed: its sockets are free when it has been collected, and not before (measured). */
	#native: NativeEndpoint | undefined;
	#options: EndpointOptions;
	/** The key and the addresses that it really has. */
	#bound: EndpointOptions & { key: Uint8Array };
	#handshakes: ReadonlySet<Promise<void>> = new Set();
	#rebinding: Promise<void> | undefined;
	/** The public id of the endpoint that looks whether we are seen. */
	#scout: string | undefined;

	constructor(native: NativeEndpoint, options: EndpointOptions) {
		this.#native = pin(native);
		this.#options = options;
		const addresses = native.boundSockets().map((text) => parseAddress(text, "bound socket"));
		const ipv4 = addresses.find(({ host }) => !host.includes(":"));
		const ipv6 = addresses.find(({ host }) => host.includes(":"));
		const key = new Uint8Array(native.secretKey().toBytes());
		this.#bound = { ...options, key, ...(ipv4 && { ipv4 }), ...(ipv6 && { ipv6 }) };
	}

	/** Waits for a relay at most {@link RELAY_MS}; false when none answered. True at once where none is wanted. */
	async online(): Promise<boolean> {
		if (this.#options.relays === "none") return true;
		// May never return, and keeps the sockets from being freed until then (measured): not to be asked regularly.
		return within(RELAY_MS, this.#live.online(), () => new Error("no relay")).then(
			() => true,
			() => false,
		);
	}

	/**
	 * Whether somebody else finds us by our relay, within `timeoutMs` or until `stop` is aborted: asked by an endpoint of
	 * its own in another protocol than ours, so that being turned away for that is the good answer.
	 */
	async seenByRelay(timeoutMs: number, stop: AbortSignal): Promise<boolean> {
		const { EndpointAddr } = await loadIroh();
		const { alpn } = this.#options;
		const address = this.#live.addr();
		const relay = address.relayUrl();
		if (!relay) return false;
		const other = alpn === "hivemind" ? "federated-hivemind" : "hivemind";
		// By this relay alone: nothing of the scout is published anywhere.
		const scout = await bindEndpoint({ alpn: other, relays: [relay], ipv4: { host: "127.0.0.1", port: 0 } });
		const giveUp = () => void scout.close();
		stop.addEventListener("abort", giveUp);
		try {
			if (stop.aborted) return false;
			this.#scout = scout.#live.id().toString();
			const connection = await scout.connect(new EndpointAddr(address.id(), relay, []), timeoutMs);
			connection.close("only looking");
			return true;
		} catch (error) {
			return error instanceof HivemindError && error.code === "alpn";
		} finally {
			stop.removeEventListener("abort", giveUp);
			await scout.close();
		}
	}

	/** The relays that it may use. */
	async relayUrls(): Promise<string[]> {
		const { RelayMode } = await loadIroh();
		const { relays } = this.#options;
		return Array.isArray(relays) ? relays : relays === "none" ? [] : RelayMode.defaultMode().relayMap().urls();
	}

	/** Where it can be reached, as of now. */
	address(): EndpointAddr {
		return this.#live.addr();
	}

	/** Hands over each new connection, until the endpoint closes for good. Never rejects. */
	async accept(options: AcceptOptions): Promise<void> {
		const isKnown = (hostOrId: string) => hostOrId === this.#scout || options.isKnown(hostOrId);
		do {
			await this.#open({ ...options, isKnown });
			await this.#rebinding;
			if (this.#native?.isClosed()) {
				log.error("The network part ended by itself. Starting it again …");
				await this.rebind(options.stop);
			}
		} while (this.#native);
	}

	/**
	 * Closes it and binds it again, with the same key and, if they come free, the same ports: its connections end. Tries
	 * until it works or `stop` is aborted, for without a socket it is worth nothing. Never rejects.
	 */
	rebind(stop: AbortSignal): Promise<void> {
		this.#rebinding ??= this.#bindAgain(stop).finally(() => {
			this.#rebinding = undefined;
		});
		return this.#rebinding;
	}

	/** What binds a second endpoint with the same key beside this one: on other ports, and without relays. */
	directTwin(): EndpointOptions {
		const { alpn, ipv4, ipv6 } = this.#options;
		return {
			alpn,
			relays: "none",
			key: this.#bound.key,
			...(ipv4 && { ipv4: { ...ipv4, port: 0 } }),
			...(ipv6 && { ipv6: { ...ipv6, port: 0 } }),
		};
	}

	/**
	 * Connects within `timeoutMs`.
	 * @throws HivemindError `unreachable` or `alpn`
	 */
	async connect(address: EndpointAddr, timeoutMs = CONNECT_MS): Promise<Connection> {
		const connecting = this.#live.connect(address, alpnBytes(this.#options.alpn));
		try {
			const late = () => new Error(`no answer within ${timeoutMs / 1000} s`);
			return new Connection(await within(timeoutMs, connecting, late));
		} catch (cause) {
			// An attempt given up goes on inside iroh, and may still succeed (measured).
			connecting.then(
				(late) => late.close(0n, []),
				() => {},
			);
			throw connectError(address, this.#options, cause);
		}
	}

	/**
	 * Waits for the handshakes under way, {@link HANDSHAKE_MS} at most: to the peer such a connection is there already,
	 * and it should hear why it ends.
	 */
	async settled(): Promise<void> {
		await Promise.race([Promise.all(this.#handshakes), Bun.sleep(HANDSHAKE_MS)]);
	}

	/** Resolves when the other sides have been told, after {@link CLOSE_MS} at the latest. Idempotent. */
	async close(): Promise<void> {
		const native = this.#native;
		this.#native = undefined;
		if (!native) return;
		await Promise.race([native.close().catch(() => {}), Bun.sleep(CLOSE_MS)]);
		unpin(native);
		collectSoon();
	}

	// --- internal ---

	get #live(): NativeEndpoint {
		if (!this.#native) throw new Error("the endpoint is closed");
		return this.#native;
	}

	#open(options: AcceptOptions): Promise<void> {
		const door = new Acceptor(this.#live, options);
		this.#handshakes = door.handshakes;
		return door.open();
	}

	async #bindAgain(stop: AbortSignal): Promise<void> {
		await this.close();
		for (let tries = 1; !stop.aborted; tries++) {
			collectSoon();
			await pause(REBIND_PAUSE_MS, stop);
			try {
				const same = tries <= REBIND_SAME_PORTS;
				const native = await bindNative(same ? this.#bound : { ...this.#options, key: this.#bound.key });
				// Nobody else would close it.
				if (stop.aborted) await native.close();
				else this.#native = pin(native);
				return;
			} catch (error) {
				if (tries === 2 * REBIND_SAME_PORTS) log.error(`${firstLine(error)} Trying on …`);
			}
		}
	}
}

// --- internal ---

function connectError(address: EndpointAddr, options: EndpointOptions, cause: unknown): HivemindError {
	const text = nativeReason(cause);
	if (isOtherProtocol(text)) {
		return new HivemindError("alpn", `The hub speaks another protocol than --alpn ${options.alpn}.`, {
			hint: "Start both sides with the same --alpn: hivemind (the default) or federated-hivemind.",
			cause,
		});
	}
	if (/ourself/.test(text)) {
		return new HivemindError("identity", "This is the hub's own identity: a peer needs another one.", {
			hint: "Join with another --identity file, or with none.",
			cause,
		});
	}
	const direct = address.directAddresses();
	const relay = options.relays === "none" ? null : address.relayUrl();
	const tried = [...direct, ...(relay ? [`relay ${relay}`] : [])];
	const more =
		options.relays === "none" && address.relayUrl() ? " Without --no-relay its relay could be tried too." : "";
	return new HivemindError(
		"unreachable",
		`Cannot reach the hub: ${text}. Tried ${tried.join(", ") || "no address at all"}.`,
		{
			hint: `Is the hub still running? Without --identity its ticket changes when it restarts.${more}`,
			cause,
		},
	);
}
