// What happens at a hub, as facts. Nothing here is a sentence: reporter.ts makes the lines of the screen from it.

import type { PortOwner } from "../base/port-owner.ts";
import type { DialFailure } from "../forward/dial-error.ts";
import type { Meter } from "../forward/meter.ts";
import type { OfferEvent } from "../invite/offer-codes.ts";
import type { DenialReason } from "../protocol/control-messages.ts";
import type { Scheme } from "../protocol/services.ts";
import type { EndpointEvent } from "../transport/events.ts";
import type { Path, PathChange } from "../transport/path-watch.ts";
import type { RelayEvent } from "./relay-watchdog.ts";

/** A peer as the hub knows it. */
export interface PeerLabel {
	/** Its public id. */
	readonly id: string;
	/** What it calls itself; undefined for one that was not admitted by a hello. */
	readonly name: string | undefined;
}

/** A peer that is connected, and how. */
export interface ConnectedPeer extends PeerLabel {
	readonly path: Path | undefined;
	/** Round-trip time in milliseconds; undefined while no path is known. */
	readonly rttMs: number | undefined;
}

/** A service as the owner of the hub sees it. */
export interface ListedService {
	readonly name: string;
	readonly scheme: Scheme;
	readonly address: string;
	/** Whether it runs; undefined while that is not known. */
	readonly up: boolean | undefined;
}

/** What is known of a running hub at any moment. */
export interface HubView {
	/** Its public id. */
	readonly id: string;
	services(): ListedService[];
	peers(): ConnectedPeer[];
	readonly meter: Meter;
}

/** Why a stream was not served: see {@link HubEvent} `stream_refused`. */
export type StreamRefusal =
	/** More streams than a connection may have before it is admitted. */
	| { why: "early" }
	/** A stream for a service before the welcome, or a second control stream. */
	| { why: "unwelcomed" }
	/** Too many streams on all connections together. */
	| { why: "quota" }
	/** No valid header, or none in time. */
	| { why: "header" }
	| { why: "port"; portId: number };

export type HubEvent =
	/** What the hub waits for from now on; undefined: the wait is over. */
	| { type: "waiting"; what: "relay" | "transfers" | undefined }
	/** No relay answered in time: only direct connections can work. */
	| { type: "no_relay" }
	/** Peers can join from now on. `codes`: join codes are offered, too. */
	| { type: "ready"; name: string; ticket: string; codes: boolean; services: readonly ListedService[] }
	| OfferEvent
	| EndpointEvent
	| RelayEvent
	/** A connection was closed because there were too many: of this peer, or of peers that await admission. */
	| { type: "connection_evicted"; peer: PeerLabel; why: "peer" | "pending" }
	/** The first connection of a peer was admitted. `path`: undefined in the first moments. */
	| { type: "peer_joined"; peer: PeerLabel; path: Path | undefined }
	/** One more connection of a peer that has joined was admitted. */
	| { type: "connection_joined"; peer: PeerLabel; path: Path | undefined }
	/** The last connection of a peer has ended, or the peer has said goodbye on it. */
	| { type: "peer_left"; peer: PeerLabel; reason: string }
	/** The same for one of several connections. */
	| { type: "connection_left"; peer: PeerLabel; reason: string }
	/** A connection of an admitted peer has taken another path. */
	| ({ type: "path"; peer: PeerLabel } & PathChange)
	| { type: "denied"; peer: PeerLabel; reason: DenialReason; message: string }
	/** No new peer is admitted any more. */
	| { type: "closed_to_new_peers"; why: "once" | "expired" }
	| ({ type: "stream_refused"; peer: PeerLabel; admitted: boolean } & StreamRefusal)
	| { type: "protocol_error"; peer: PeerLabel; admitted: boolean; reason: string }
	/**
	 * A service could not be reached for a peer. `news`: for the first time since it last answered. `elsewhere`: who
	 * listens on its port at another address of this machine.
	 */
	| {
			type: "service_unreachable";
			service: string;
			address: string;
			kind: DialFailure;
			reason: string;
			peer: PeerLabel;
			news: boolean;
			elsewhere?: PortOwner;
	  }
	/** A service went down or came up. What is not known yet counts as up. */
	| { type: "service"; service: string; up: boolean; address: string }
	/** A service answers at `used`: another loopback address than was `stated`, or again the stated one. */
	| { type: "service_address"; service: string; stated: string; used: string }
	/** A service was not dialled for `peer`: at its address `owner` listens, a peer of this hub on this machine. */
	| { type: "loop"; service: string; address: string; owner: PeerLabel; peer: PeerLabel; news: boolean }
	/** A service was not dialled: {@link UNANSWERED_MAX} connections are open to which it has not said a byte. */
	| { type: "unanswered"; service: string; address: string; peer: PeerLabel }
	/** A stream that was served has ended; its bytes from the peer and to it. `error`: what ended it early, if anything. */
	| { type: "stream_closed"; service: string; peer: PeerLabel; received: number; sent: number; error?: string }
	/** This many half-closed transfers were reset because they had moved nothing for a long time. */
	| { type: "transfers_reset"; count: number }
	/** The hub admits and serves nothing new, and lets running transfers finish. `interrupted`: because of a signal. */
	| { type: "stopping"; interrupted: boolean }
	/** An unexpected exception. It has ended one stream, or one connection, and nothing else. */
	| { type: "bug"; where: "stream" | "connection"; error: unknown };
