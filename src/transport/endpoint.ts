// An iroh endpoint's life: wait for a relay, accept, connect, bind again, close. It keeps its identity, and if possible
// its ports, when it is bound again.

import { type Address, formatAddress, parseAddress } from "../base/address.ts";
import { firstLine } from "../base/errors.ts";
import { pause, within } from "../base/timers.ts";
import { type AcceptOptions, Acceptor } from "./acceptor.ts";
import { alpnBytes, bindNative, type EndpointOptions } from "./bind.ts";
import { ChunkScheduler } from "./chunk-size.ts";
import { connectError } from "./connect-error.ts";
import { Connection } from "./connection.ts";
import type { EndpointEvent } from "./events.ts";
import {
	closeSilently,
	collectSoon,
	type EndpointAddr,
	fromNative,
	loadIroh,
	type Endpoint as NativeEndpoint,
	pin,
	unpin,
} from "./iroh.ts";
import { CLOSE_MS, CONNECT_MS, HANDSHAKE_DRAIN_MS, REBIND_PAUSE_MS, REBIND_SAME_PORTS, RELAY_MS } from "./limits.ts";

export type { EndpointOptions } from "./bind.ts";

/** @throws HivemindError `bind` or `addon` */
export async function bindEndpoint(options: EndpointOptions): Promise<Endpoint> {
	return new Endpoint(await bindNative(options), options);
}

export class Endpoint {
	/** Dropped when closed: its sockets stay open until it is garbage-collected (docs/binding-notes.md, "Memory"). */
	#native: NativeEndpoint | undefined;
	#options: EndpointOptions;
	/** The options, with its actual key and addresses. */
	#bound: EndpointOptions & { key: Uint8Array };
	#scheduler: ChunkScheduler;
	#acceptor: Acceptor | undefined;
	#rebinding: Promise<void> | undefined;
	#onEvent: (event: EndpointEvent) => void = () => {};

	constructor(native: NativeEndpoint, options: EndpointOptions) {
		this.#native = pin(native);
		this.#options = options;
		this.#scheduler = options.scheduler ?? new ChunkScheduler();
		this.#bound = boundOptions(native, options);
	}

	/** Waits for a relay at most {@link RELAY_MS}; false when none answered. Without relays true at once. */
	async online(): Promise<boolean> {
		if (this.#options.relays === "none") return true;
		// May never return, and keeps the sockets from being freed until it does, so it must not be called regularly
		// (docs/binding-notes.md, "Relays").
		return within(RELAY_MS, this.#live.online(), () => new Error("no relay")).then(
			() => true,
			() => false,
		);
	}

	/** The relays that it may use. */
	async relayUrls(): Promise<string[]> {
		const { RelayMode } = await loadIroh();
		const { relays } = this.#options;
		return Array.isArray(relays) ? relays : relays === "none" ? [] : RelayMode.defaultMode().relayMap().urls();
	}

	/** The UDP addresses that it is bound to, one of each family at most. */
	sockets(): Address[] {
		return [this.#bound.ipv4, this.#bound.ipv6].filter((address) => address !== undefined);
	}

	/** Its public id. */
	get id(): string {
		return this.#live.id().toString();
	}

	/** Its public id and where it can be reached, as of now. */
	address(): EndpointAddr {
		return this.#live.addr();
	}

	/**
	 * Hands over each new connection until the endpoint closes for good. Probes (PROBE_ALPN) are answered here and not
	 * handed over. Never rejects.
	 */
	async accept(options: AcceptOptions): Promise<void> {
		this.#onEvent = options.onEvent;
		do {
			await this.#runAcceptor(options);
			await this.#rebinding;
			if (this.#native?.isClosed()) {
				options.onEvent({ type: "endpoint_restarting" });
				await this.rebind(options.stop);
			}
		} while (this.#native);
	}

	/**
	 * Closes it and binds it again, with the same key and, if they become free, the same ports; its connections end. Tries
	 * until it works or `stop` is aborted, because a program without a socket is useless. Never rejects.
	 */
	rebind(stop: AbortSignal): Promise<void> {
		this.#rebinding ??= this.#bindAgain(stop).finally(() => {
			this.#rebinding = undefined;
		});
		return this.#rebinding;
	}

	/** The relay through which it may reach a remote; null without one. */
	relayTo(remote: EndpointAddr): string | null {
		return this.#options.relays === "none" ? null : remote.relayUrl();
	}

	/**
	 * Options for a second endpoint beside this one to reach the same remote, on other ports. With the `same` key it uses no
	 * relays, where two endpoints with one key starve each other (iroh issue 3813). With a `new` one it uses those that the
	 * user has named, or else that of the remote and no others, so that nothing about it is published.
	 */
	secondOptions(remote: EndpointAddr, key: "same" | "new"): EndpointOptions {
		const { alpn, relays, ipv4, ipv6 } = this.#options;
		const relay = this.relayTo(remote);
		return {
			alpn,
			relays: key === "same" || relay === null ? "none" : Array.isArray(relays) ? relays : [relay],
			...(key === "same" && { key: this.#bound.key }),
			scheduler: this.#scheduler,
			...(ipv4 && { ipv4: { ...ipv4, port: 0 } }),
			...(ipv6 && { ipv6: { ...ipv6, port: 0 } }),
		};
	}

	/**
	 * Connects within `timeoutMs`.
	 * @throws HivemindError `unreachable`, `alpn` or `identity`
	 */
	async connect(address: EndpointAddr, timeoutMs = CONNECT_MS): Promise<Connection> {
		const connecting = this.#live.connect(address, alpnBytes(this.#options.alpn));
		try {
			const late = () => new Error(`no answer within ${timeoutMs / 1000} s`);
			return new Connection(await within(timeoutMs, connecting, late), true, this.#scheduler);
		} catch (cause) {
			// iroh cannot cancel an attempt, and it may still succeed (docs/binding-notes.md, "Connection loss").
			connecting.then(closeSilently, () => {});
			throw connectError(address, this.#options, cause);
		}
	}

	/**
	 * Waits for the pending handshakes, {@link HANDSHAKE_DRAIN_MS} at most: their peers consider themselves connected and
	 * should hear why the connection ends.
	 */
	async settled(): Promise<void> {
		await Promise.race([Promise.all(this.#acceptor?.handshakes ?? []), Bun.sleep(HANDSHAKE_DRAIN_MS)]);
	}

	/** Resolves when the remotes have been told, after {@link CLOSE_MS} at the latest. Idempotent. */
	async close(): Promise<void> {
		const native = this.#native;
		this.#native = undefined;
		if (!native) return;
		await Promise.race([this.#closeNative(native), Bun.sleep(CLOSE_MS)]);
		unpin(native);
		collectSoon();
	}

	// --- internal ---

	get #live(): NativeEndpoint {
		if (!this.#native) throw new Error("the endpoint is closed");
		return this.#native;
	}

	#runAcceptor(options: AcceptOptions): Promise<void> {
		const native = this.#live;
		native.setAlpns([alpnBytes(this.#options.alpn), alpnBytes("probe")]);
		this.#acceptor = new Acceptor(native, options, this.#scheduler);
		return this.#acceptor.run();
	}

	/** Never rejects. */
	async #closeNative(native: NativeEndpoint): Promise<void> {
		await Promise.race([this.#acceptor?.close(), Bun.sleep(HANDSHAKE_DRAIN_MS)]);
		this.#acceptor = undefined;
		await native.close().catch(() => {});
	}

	/**
	 * Connects to a relay now. iroh connects to its own only after a report on the network, which takes up to 3 s, but at
	 * once to that of a remote, which here nobody is (docs/binding-notes.md, "Relays").
	 */
	async #hasten(relay: string): Promise<void> {
		const { EndpointAddr, SecretKey } = await loadIroh();
		const nobody = new EndpointAddr(SecretKey.generate().public(), relay, []);
		this.#native?.connect(nobody, alpnBytes("probe")).catch(() => {});
	}

	/** Something in the old endpoint may hold its ports for ever. A hub on another port is still reached by its relay. */
	#onFreePorts(): EndpointOptions {
		const { ipv4, ipv6 } = this.#options;
		const free = { ...(ipv4 && { ipv4: { ...ipv4, port: 0 } }), ...(ipv6 && { ipv6: { ...ipv6, port: 0 } }) };
		return { ...this.#options, ...free, key: this.#bound.key };
	}

	/** It is on other ports now. Who has asked for certain ones should know. */
	#moved(): void {
		const from = this.sockets().map(formatAddress);
		this.#bound = boundOptions(this.#live, this.#options);
		if (!this.#options.ipv4?.port && !this.#options.ipv6?.port) return;
		this.#onEvent({ type: "endpoint_moved", from, to: this.sockets().map(formatAddress) });
	}

	async #bindAgain(stop: AbortSignal): Promise<void> {
		const relay = this.#options.relays === "none" ? null : this.#native?.addr().relayUrl();
		await this.close();
		for (let tries = 1; ; tries++) {
			collectSoon();
			await pause(REBIND_PAUSE_MS, stop);
			if (stop.aborted) return;
			try {
				const same = tries <= REBIND_SAME_PORTS;
				const native = await bindNative(same ? this.#bound : this.#onFreePorts());
				// The owner has closed this endpoint already and would not close another one.
				if (stop.aborted) await native.close();
				else this.#native = pin(native);
				if (!same && !stop.aborted) this.#moved();
				if (relay) await this.#hasten(relay);
				return;
			} catch (error) {
				if (tries === 2 * REBIND_SAME_PORTS) this.#onEvent({ type: "endpoint_bind_failed", reason: firstLine(error) });
			}
		}
	}
}

// --- internal ---

/** The options with the actual key and addresses of an endpoint. */
function boundOptions(native: NativeEndpoint, options: EndpointOptions): EndpointOptions & { key: Uint8Array } {
	const addresses = native.boundSockets().map((text) => parseAddress(text, "bound socket"));
	const ipv4 = addresses.find(({ host }) => !host.includes(":"));
	const ipv6 = addresses.find(({ host }) => host.includes(":"));
	const key = fromNative(native.secretKey().toBytes());
	return { ...options, key, ...(ipv4 && { ipv4 }), ...(ipv6 && { ipv6 }) };
}
