// Every bound and every wait of the program, each with its reason. A remote controls nothing that is
// not bounded here. Times are milliseconds, sizes are bytes.
// Called by everyone; calls nothing.

/** Streams one QUIC connection carries at once: the binding's default of 100 starves a browser with a dev server. */
export const STREAMS_PER_CONNECTION = 1024;

/** What the transport is told: it gives ended streams back in batches of an eighth (measured), which must not count. */
export const STREAM_CREDIT = Math.ceil((STREAMS_PER_CONNECTION * 8) / 7);

/** From a stream's first byte to its whole header. A slow link needs one round trip, so this is generous. */
export const HEADER_MS = 10_000;

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

/** While stopping: a connection without bytes for this long, whose last word was the service's, is idle. */
export const IDLE_MS = 300;

/** Stopping: a handshake under way may end first. On a direct path it takes milliseconds. */
export const HANDSHAKE_MS = 250;

/** Closing the endpoint. A dead remote costs 90 ms (RUNTIME.md section 6); more is not worth waiting for. */
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

// --- join codes: the client (src/wormhole/) ---

/** Words of a code. One is 8 bits, which a guesser has a fair chance at; eight are 64 bits, more than anyone types. */
export const CODE_WORDS_MIN = 2;
export const CODE_WORDS_MAX = 8;

/** A typed code: eight words are under 100 characters; other clients let people make up their own. */
export const CODE_MAX = 256;

/** One message of the mailbox server. The largest honest one is a payload in hex, a few kilobytes. */
export const MAILBOX_MESSAGE_MAX = 64 * 1024;

/** The decrypted ticket message. Tickets are under TICKET_MAX; JSON around it may double that. */
export const PAYLOAD_MAX = 16 * 1024;

/** Messages of others kept for one code. An exchange needs three; the Python client may add a few. */
export const PHASES_MAX = 32;

/** Names in the mailbox protocol (side, phase, mailbox, nameplate); the longest honest one has 16 characters. */
export const MAILBOX_NAME_MAX = 64;

/** Opening the WebSocket: TCP, TLS, upgrade. */
export const MAILBOX_CONNECT_MS = 10_000;

/** From the open WebSocket to a mailbox of our own: four short answers. */
export const MAILBOX_SETUP_MS = 10_000;

/** From the other side's first message to the end: three messages. A side that lost its socket is back in 1 to 5 s. */
export const EXCHANGE_MS = 15_000;

/** Saying goodbye, so that no nameplate is left behind; a person has pressed Ctrl+C. */
export const MAILBOX_CLOSE_MS = 1_000;

/** The WebSocket's own goodbye after that: nothing depends on it. */
export const MAILBOX_GOODBYE_MS = 100;

/** PROTOCOL.md: a WebSocket ping this often keeps NAT and proxy state alive. */
export const MAILBOX_PING_MS = 30_000;

/** PROTOCOL.md: no traffic for two pings and a half means the socket is dead. */
export const MAILBOX_SILENCE_MS = 75_000;

/** Reconnecting: first after this, growing by half, up to the maximum (PROTOCOL.md). */
export const RETRY_FIRST_MS = 1_000;
export const RETRY_GROWTH = 1.5;
export const RETRY_MAX_MS = 60_000;

/**
 * Spoiled codes in a row (wrong guesses, above all) that are replaced at once; from then on the next code waits, so
 * that a guesser at full speed needs weeks for 16 bits, not minutes. Forgotten after a quiet time.
 */
export const SPOILED_FREE = 3;
export const SPOILED_QUIET_MS = 600_000;

/** Waiting for a hub behind a code, by default: two people on the phone need less. */
export const REDEEM_MS = 60_000;

/** SHA-1 tries double with each bit: 28 bits take about half a minute here, more is not worth a join code. */
export const HASHCASH_BITS_MAX = 28;

/** Hashes between two turns of the event loop: about 3 ms. */
export const HASHCASH_SLICE = 20_000;

// --- join codes: our mailbox server (src/wormhole/server.ts) ---

/** Sockets in all, and from one address: a team behind one NAT has tens. */
export const SERVER_CONNECTIONS_MAX = 1024;
export const SERVER_CONNECTIONS_PER_ADDRESS = 256;

/** Mailboxes in all, nameplates included. At the bounds below a full server holds 4,096 x 256 KiB = 1 GiB at worst. */
export const SERVER_MAILBOXES_MAX = 4096;

/** Messages and bytes of one mailbox. A code needs six messages of a few kilobytes; clients re-add after a drop. */
export const SERVER_MESSAGES_MAX = 128;
export const SERVER_MAILBOX_BYTES = 256 * 1024;

/** AppIDs are short text chosen by programs. */
export const SERVER_APPID_MAX = 128;

/** Claims and allocations from one address: a burst, then one a second. A guesser needs one for each guess. */
export const SERVER_CLAIMS_BURST = 120;
export const SERVER_CLAIM_MS = 1_000;

/** Frames of one connection that were answered with `error` before it is closed: honest clients have none. */
export const SERVER_ERRORS_MAX = 32;

/** Unsent bytes to one client before it is dropped: it reads nothing. Twice the content of a mailbox in JSON. */
export const SERVER_BACKLOG_MAX = 1024 * 1024;

/** A mailbox that no socket has opened for this long is forgotten (PROTOCOL.md). */
export const SERVER_PRUNE_MS = 600_000;

/** How often that is looked for. */
export const SERVER_PRUNE_EVERY_MS = 60_000;

// --- the control stream ---

/** One line: a welcome with three services has 500 bytes; longer ones are an attack. */
export const CONTROL_LINE_MAX = 4 * 1024;

/** Messages a second: honest sides send two pings and pongs; a burst of aborted streams sends one each. */
export const CONTROL_RATE = 2_000;

/** Messages waiting for a side that does not read; older ones are dropped, the heartbeat decides. */
export const CONTROL_QUEUE = 2_000;

/** A connection without a valid hello is closed after this. A slow relay path needs a second. */
export const HELLO_MS = 5_000;

export const PING_MS = 1_000;

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

/** New local connections wait this long for a hub and are then reset; a browser waits longer without a word. */
export const HUB_WAIT_MS = 10_000;

/** Wrong secrets a minute from one id. 128 bits need no more protection; the log does. */
export const WRONG_SECRETS = 3;
export const WRONG_SECRETS_MS = 60_000;

/** Ids whose wrong secrets are remembered; the oldest are forgotten. */
export const WRONG_SECRET_IDS = 10_000;

/** `--max-peers` when not given: a team. */
export const MAX_PEERS = 32;

/** Connections that have not said hello yet; beyond it the oldest is closed, so that a flood keeps no known peer out. */
export const STRANGERS_MAX = 64;

/** Connections of one remote id: one in use, one that is given up, one that is being made, and a spare. */
export const CONNECTIONS_PER_ID = 4;

/** Streams of all connections together: a worst case of 1.25 MB each must stay below what a laptop has. */
export const STREAMS_MAX = 8 * 1024;

/** The hub looks at its services this often while somebody is connected. */
export const HEALTH_MS = 5_000;
export const HEALTH_DIAL_MS = 2_000;

/** A half-closed connection without bytes for this long is reset: nobody waits half an hour for a reply. */
export const HALF_CLOSED_IDLE_MS = 30 * 60_000;

/** How often those are looked for. */
export const SWEEP_MS = 60_000;

/** A relay lost for this long while the network is up: the endpoint is bound again (iroh issue 4476). */
export const RELAY_LOST_MS = 60_000;
export const RELAY_CHECK_MS = 5_000;

/** An identity file has 150 bytes. */
export const IDENTITY_MAX = 4 * 1024;

/** The most that `--max-peers` takes: each may have a thousand streams. */
export const MAX_PEERS_MAX = 1_000;

/** The longest `--expires`: timers hold 24 days. */
export const EXPIRES_MAX_MS = 20 * 86_400_000;

/** A welcome waits this long for a look at the services; a host that answers nothing must not hold it up. */
export const HEALTH_WAIT_MS = 300;

/** Closing a connection discards what is under way; a last word gets this long to be read. */
export const LAST_WORD_MS = 500;

/** After a failed accept: long enough not to spin, short enough not to be noticed. */
export const ACCEPT_PAUSE_MS = 100;

/** Streams of a connection that has not been let in: one for control, a few that came too early. */
export const STRANGER_STREAMS = 8;

/** Streams of a lost connection that are aborted in one turn, so that a thousand of them hold nobody up. */
export const ABORTS_PER_TURN = 64;

/** An attempt that has not succeeded by then is accompanied by one from a fresh endpoint (uplink.ts). */
export const RECONNECT_BESIDE_MS = 500;
