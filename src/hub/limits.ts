// The bounds and waits of this folder, each with its reason. Times are milliseconds, sizes are bytes.

import { STREAMS_PER_CONNECTION } from "../transport/limits.ts";

/** What the transport is told: it gives ended streams back in batches of an eighth (measured), which must not count. */
export const STREAM_CREDIT = Math.ceil((STREAMS_PER_CONNECTION * 8) / 7);

/** From a stream's first byte to its whole header. A slow link needs one round trip, so this is generous. */
export const HEADER_MS = 10_000;

/** Dialling a service. Shorter than a browser's patience, longer than a TCP SYN retried three times (7 s). */
export const DIAL_MS = 10_000;

/** Silence after which a hub drops a connection: longer than the peer's, which knows whether it has a better one. */
export const HUB_SILENCE_MS = 45_000;

/** Wrong secrets a minute from one id. 128 bits need no more protection; the log does. */
export const WRONG_SECRETS = 3;
export const WRONG_SECRETS_MS = 60_000;

/** Ids whose wrong secrets are remembered; the oldest are forgotten. */
export const WRONG_SECRET_IDS = 10_000;

/** Ids that were let in before an invitation expired; who is forgotten by then needs a new one. */
export const ADMITTED_IDS = 10_000;

/** `--max-peers` when not given: a team. */
export const MAX_PEERS = 32;

/** Connections that have not said hello yet; beyond it the oldest is closed, so that a flood keeps no known peer out. */
export const STRANGERS_MAX = 64;

/** Streams of all connections together before each remote has only its share: at 1.25 MB each all that a laptop has. */
export const STREAMS_MAX = 8 * 1024;

/** The hub looks at its services this often while somebody is connected. */
export const HEALTH_MS = 5_000;
export const HEALTH_DIAL_MS = 2_000;

/** Without its relay for this long, though one answers, the endpoint is bound again (iroh issue 4476). */
export const RELAY_LOST_MS = 60_000;

/** Between two checks whether the relay leads to this hub. Each check binds an endpoint, so they are rare. */
export const RELAY_CHECK_MS = 60_000;

/** The same at the start and while the relay is lost, to notice soon that it works. */
export const RELAY_CHECK_LOST_MS = 10_000;

/** One probe through the relay. A connection through a slow relay takes a second or two. */
export const RELAY_PROBE_MS = 10_000;

/** A relay that does not answer an HTTP request within this is taken for down. */
export const RELAY_PING_MS = 5_000;

/** A welcome waits this long for a look at the services; a host that answers nothing must not hold it up. */
export const HEALTH_WAIT_MS = 300;

/** A peer that has said goodbye is gone after this, whatever it still does: it lets transfers finish for {@link DRAIN_MS}. */
export const LEAVING_MS = 10_000;

/** Hosts and ids of peers that were let in, remembered to tell them from a flood; the oldest are forgotten. */
export const KNOWN_MAX = 1_000;

/** Streams of a connection that has not been let in: one for control, a few that came too early. Any other is reset. */
export const STRANGER_STREAMS = 8;
