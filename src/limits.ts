// Every bound and every wait of the program, each with its reason. A remote controls nothing that is
// not bounded here. Times are milliseconds, sizes are bytes.
// Called by everyone; calls nothing.

/** Streams one QUIC connection carries at once: the binding's default of 100 starves a browser with a dev server. */
export const STREAMS_PER_CONNECTION = 1024;

/** What the transport is told: it gives ended streams back in batches of an eighth (measured), which must not count. */
export const STREAM_CREDIT = Math.ceil((STREAMS_PER_CONNECTION * 8) / 7);

/** From a stream's first byte to its whole header. A slow link needs one round trip, so this is generous. */
export const HEADER_MS = 10_000;

/**
 * From opening a stream to the hub's answer: a silence that the connection survives, and then all that the hub may take.
 */
export const ANSWER_MS = 50_000;

/** Dialling a service. Shorter than a browser's patience, longer than a TCP SYN retried three times (7 s). */
export const DIAL_MS = 10_000;

/** Waiting for a free stream: a burst over STREAMS_PER_CONNECTION may queue this long, then it is refused. */
export const OPEN_STREAM_MS = 10_000;

/** Reaching a hub. iroh itself gives up after 30 s, longer than a person waits without doubt. */
export const CONNECT_MS = 15_000;

/** Reaching a relay before the ticket is printed without one; `online()` itself never gives up. */
export const RELAY_MS = 10_000;

/** A silent wait longer than this is explained on the screen. */
export const SILENCE_MS = 500;

/** Running transfers may finish this long after SIGINT or SIGTERM; Docker kills after 10 s. */
export const DRAIN_MS = 3_000;

/** A write that takes longer waits for its reader: buffers on the way are full, and empty out for a while yet. */
export const SLOW_WRITE_MS = 20;

/** While stopping: a connection without bytes for this long, whose last word was the service's, is idle. Some services send twice a second. */
export const IDLE_MS = 1_000;

/** Stopping: a handshake under way may end first. On a direct path it takes milliseconds. */
export const HANDSHAKE_MS = 250;

/** Closing the endpoint. A dead remote costs 90 ms (measured); more is not worth waiting for. */
export const CLOSE_MS = 1_000;

/**
 * After our FIN, a socket whose other side keeps talking to nobody is read and discarded this long, so that the
 * bytes before our FIN are not destroyed by a RST (RFC 9112 section 9.6 describes the problem).
 */
export const LINGER_MS = 2_000;

/**
 * A QUIC reset discards what the receiver has not read yet (RFC 9000 section 3.2). When bytes were written just
 * before it, the reset waits this long plus four round trips, so that data arrives first, as with a TCP RST.
 */
export const RESET_GRACE_MS = 50;
export const RESET_GRACE_MAX_MS = 1_000;

/** Bytes of a socket kept for the stream before the socket is paused; the kernel holds the rest. */
export const SOCKET_QUEUE = 64 * 1024;

/** First read of a stream. A pending read allocates its size (measured): with 4 KiB, 2,000 idle connections took 8 MB more. */
export const READ_MIN = 1024;

/** The largest piece moved at once: beyond 64 KiB the binding gets no faster, only the neighbours slower. */
export const PIECE_MAX = 64 * 1024;

/** The largest piece while other streams move small things: half the wait for them, a tenth of the throughput. */
export const PIECE_SHARED = 32 * 1024;

/** The smallest piece that bulk streams are cut down to when many share the thread. */
export const PIECE_MIN = 8 * 1024;

/** Bytes that all bulk streams together may have in one turn of the event loop (see fairness.ts). */
export const BULK_BUDGET = 128 * 1024;

/** A stream that moved nothing for this long no longer counts when the thread is shared out. */
export const SHARE_WINDOW_MS = 50;

/** Tickets are about 100 to 500 characters; the binding's parser accepts a megabyte. */
export const TICKET_MAX = 4 * 1024;

/** A hub's or peer's name: it stands in a box and in log lines. */
export const NAME_MAX = 64;

/** Text from a remote (close reasons are up to 1,400 bytes) is cut to this before it is printed. */
export const REMOTE_TEXT_MAX = 200;

/** An error on the screen: the longest of ours has 400 characters, and what was typed may stand in it. */
export const ERROR_TEXT_MAX = 1_000;

/** One service's failure is reported at most this often; a browser retries a dead port many times a second. */
export const REPORT_EVERY_MS = 1_000;

/** Names under which reports are rationed; a remote can invent as many as it likes. */
export const SELDOM_KEYS = 1_000;

/** A TCP connection silent for this long is probed, or a client that lost its power would hold its stream for ever. */
export const KEEPALIVE_MS = 60_000;

/** One check of `demo`; each takes a few milliseconds when it works. */
export const DEMO_CHECK_MS = 10_000;

/** A line read from standard input; tickets end at {@link TICKET_MAX}, codes much earlier. */
export const SECRET_LINE_MAX = 2 * TICKET_MAX;

/** The longest `--timeout` of `join`, in seconds: a day. */
export const REDEEM_MAX_S = 86_400;

// --- the control stream ---

/** One line: a welcome with three services has 500 bytes; longer ones are an attack. */
export const CONTROL_LINE_MAX = 4 * 1024;

/** Messages a second: honest sides send two pings and pongs; a burst of aborted streams sends one each. */
export const CONTROL_RATE = 2_000;

/** Messages waiting for a side that does not read; older ones are dropped, the heartbeat decides. */
export const CONTROL_QUEUE = 2_000;

/** A connection without a valid hello is closed after this. A slow relay path needs a second. */
export const HELLO_MS = 5_000;

/** Often enough that three lost ones are {@link SUSPECT_MS}; a ping and its answer are some 100 bytes. */
export const PING_MS = 1_000;

/** A look at the other side's silence that comes later than this says that we were stopped ourselves, and nothing else. */
export const STALL_MS = 2_000;

/** Silence after which a peer looks for a second connection; three pings. */
export const SUSPECT_MS = 3_000;

/** Silence after which a peer gives an old connection up: QUIC survives black holes of 25 s (measured). */
export const PEER_SILENCE_MS = 30_000;

/** Silence after which a hub drops a connection: longer than the peer's, which knows whether it has a better one. */
export const HUB_SILENCE_MS = 45_000;

/** One attempt to reach the hub again. A first packet and three repeats fit in; iroh's own bound is 30 s. */
export const RECONNECT_ATTEMPT_MS = 4_000;

/** From the start of one attempt to the next: doubling, with jitter. */
export const RECONNECT_FIRST_MS = 200;
export const RECONNECT_MAX_MS = 5_000;

/** A hub lost for this long may be another one by now: the peer says so, once. One that was only started again is found much sooner. */
export const STILL_LOST_MS = 20_000;

/** A connection that lasted longer than this was a good one: the next is looked for without a pause. */
export const LASTING_MS = 10_000;

/** A connection that was replaced is closed once nothing runs on it, but not before what was about to start has. */
export const REPLACED_MS = 2_000;

/** New local connections wait this long for a hub and are then reset; a browser waits longer without a word. */
export const HUB_WAIT_MS = 10_000;

/** After a refused stream: for the control stream's word why, which leaves the hub in the same moment. */
export const WORD_MS = 200;

/** Wrong secrets a minute from one id. 128 bits need no more protection; the log does. */
export const WRONG_SECRETS = 3;
export const WRONG_SECRETS_MS = 60_000;

/** Ids whose wrong secrets are remembered; the oldest are forgotten. */
export const WRONG_SECRET_IDS = 10_000;

/** Ids that were let in before an invitation expired; who is forgotten by then needs a new one. */
export const ADMITTED_IDS = 10_000;

/** `--once`: the peer that took the ticket has this long to come in before another code is shown. Reaching a hub takes 15 s. */
export const ONCE_WAIT_MS = 30_000;

/** `--max-peers` when not given: a team. */
export const MAX_PEERS = 32;

/** Connections that have not said hello yet; beyond it the oldest is closed, so that a flood keeps no known peer out. */
export const STRANGERS_MAX = 64;

/** Connections of one remote id: one in use, one that is given up, one that is being made, and a spare. */
export const CONNECTIONS_PER_ID = 4;

/** Streams of all connections together before each remote has only its share: at 1.25 MB each all that a laptop has. */
export const STREAMS_MAX = 8 * 1024;

/** The hub looks at its services this often while somebody is connected. */
export const HEALTH_MS = 5_000;
export const HEALTH_DIAL_MS = 2_000;

/** A half-closed connection without bytes for this long is reset: nobody waits half an hour for a reply. */
export const HALF_CLOSED_IDLE_MS = 30 * 60_000;

/** How often those are looked for, and the clock whether an invitation has expired. */
export const SWEEP_MS = 60_000;

/** A relay lost for this long while one answers: the endpoint is bound again (iroh issue 4476). */
export const RELAY_LOST_MS = 60_000;

/** Looks whether the relay leads here: each makes an endpoint. Rarely while it does, soon again when it did not. */
export const RELAY_CHECK_MS = 60_000;
export const RELAY_CHECK_LOST_MS = 10_000;
export const RELAY_LOOK_MS = 10_000;
export const RELAY_PROBE_MS = 5_000;

/** Binding it again: tries with the same ports, and the pause between two. The collector frees them in one or two. */
export const REBIND_SAME_PORTS = 20;
export const REBIND_PAUSE_MS = 100;

/** An identity file has 150 bytes. */
export const IDENTITY_MAX = 4 * 1024;

/** The most that `--max-peers` takes: each may have a thousand streams. */
export const MAX_PEERS_MAX = 1_000;

/** The longest `--expires`: an invitation for longer is none that somebody waits for. */
export const EXPIRES_MAX_MS = 20 * 86_400_000;

/** A welcome waits this long for a look at the services; a host that answers nothing must not hold it up. */
export const HEALTH_WAIT_MS = 300;

/** Closing a connection discards what is under way; a last word gets this long to be read. */
export const LAST_WORD_MS = 500;

/** A peer that has said goodbye is gone after this, whatever it still does: it lets transfers finish for {@link DRAIN_MS}. */
export const LEAVING_MS = 10_000;

/** After a failed accept: long enough not to spin, short enough not to be noticed. */
export const ACCEPT_PAUSE_MS = 100;

/**
 * Handshakes with newcomers: a burst, then a steady rate. One costs about a millisecond of a core, and what it leaves
 * behind another at the next garbage collection; a team that comes back at once fits into the burst. At twice the rate
 * the slowest requests beside a flood took twice as long (measured, two runs of each).
 */
export const ARRIVALS_BURST = 64;
export const ARRIVALS_PER_SECOND = 25;

/** Who waits for a handshake: what is served within ten seconds, for as long as a client knocks. */
export const ARRIVALS_MAX = 256;

/**
 * From so many that wait, or whose handshake is under way, a newcomer has to prove its address: one more round trip for
 * it, and no forged senders for us.
 */
export const ARRIVALS_CROWDED = 32;

/** Whoever came less often within the last one or two of these comes first. At the rate above 1,000 entries. */
export const ARRIVALS_WINDOW_MS = 10_000;

/** So often within that time a known host or id comes first: a few attempts of a few peers behind one address. */
export const ARRIVALS_KNOWN = 16;

/** Handshakes under way: those that never end are given up by the transport after 30 to 60 s, at 85 kB each (measured). */
export const HANDSHAKES_MAX = 512;

/** The same of one host: a team behind one address that comes at once. One host alone must not fill the door. */
export const HANDSHAKES_PER_HOST = 64;

/** The same by one relay, where nobody's address counts: a flood behind it leaves room for who comes directly. */
export const HANDSHAKES_PER_RELAY = HANDSHAKES_MAX / 2;

/** Hosts and ids of peers that were let in, remembered to tell them from a flood; the oldest are forgotten. */
export const KNOWN_MAX = 1_000;

/** Streams of a connection that has not been let in: one for control, a few that came too early. Any other is reset. */
export const STRANGER_STREAMS = 8;

/** Streams of a lost connection that are aborted in one turn, so that a thousand of them hold nobody up. */
export const ABORTS_PER_TURN = 64;

/** An attempt that has not succeeded by then is accompanied by one from a fresh endpoint (redial.ts). */
export const RECONNECT_BESIDE_MS = 500;

/** So often when no old connection lives any more: each endpoint asks the router for a port mapping, and nights are long. */
export const RECONNECT_TWIN_MS = 60_000;
