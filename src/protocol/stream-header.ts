// What opens a connection and a stream on the wire, version 1: the ALPNs, the stream header of 12 bytes and the answer
// of one byte, identical to the original program's (PROTOCOL.md, "Streams"). Pure: encodes and decodes only.

/** The 11 ASCII bytes after the port id. */
const MAGIC = new TextEncoder().encode("hivemindp2p");

/** Port id and magic, in bytes. */
export const HEADER_LENGTH = 1 + MAGIC.length;

/** This bit of the port id says that the data of the stream is in frames (src/protocol/frames.ts), both ways. */
export const FRAMED = 0x80;

/** The hub's answer: the service is connected. */
export const ACCEPTED = 0xff;
/** The hub's answer: unknown port id, not a valid header, no header in time, or the service is down. */
export const REFUSED = 0x00;

/** The ALPN of each `--alpn` name. */
export const ALPN = {
	hivemind: "HIVEMIND/1.0.0",
	"federated-hivemind": "HIVEMIND-FEDERATED/1.0.0",
} as const;

export type AlpnName = keyof typeof ALPN;

/**
 * The ALPN of a hub's probe of its own relay. The hub completes the TLS handshake and closes the connection at once.
 */
export const PROBE_ALPN = "HIVEMIND-PROBE/1.0.0";

/** The 12 bytes that a peer writes first on every stream. */
export function encodeHeader(portId: number): Uint8Array {
	const header = new Uint8Array(HEADER_LENGTH);
	header[0] = portId;
	header.set(MAGIC, 1);
	return header;
}

/** The port id (0–255) in exactly 12 bytes, or undefined when they are not a valid header. */
export function decodeHeader(bytes: Uint8Array): number | undefined {
	if (bytes.length !== HEADER_LENGTH) return undefined;
	return MAGIC.every((byte, i) => bytes[i + 1] === byte) ? bytes[0] : undefined;
}
