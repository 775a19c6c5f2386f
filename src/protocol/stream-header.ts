// What opens a stream on the wire, version 1, byte for byte the original's: 12 bytes there, 1 byte back.
// Pure: encode and decode only. Called by connection.ts, stream.ts and bind.ts. PROTOCOL.md describes it for others.

/** The 11 ASCII bytes after the port id. */
const HANDSHAKE = new TextEncoder().encode("hivemindp2p");

/** Port id and handshake, in bytes. */
export const HEADER_LENGTH = 1 + HANDSHAKE.length;

/** The hub's answer: the service is connected. */
export const ACCEPTED = 0xff;
/** The hub's answer: unknown port id, wrong handshake, no header in time, or the service is down. */
export const REFUSED = 0x00;

/** The ALPN of each `--alpn` name. */
export const ALPN = {
	hivemind: "HIVEMIND/1.0.0",
	"federated-hivemind": "HIVEMIND-FEDERATED/1.0.0",
} as const;

export type AlpnName = keyof typeof ALPN;

/** The 12 bytes that a peer writes first. */
export function encodeHeader(portId: number): Uint8Array {
	const header = new Uint8Array(HEADER_LENGTH);
	header[0] = portId;
	header.set(HANDSHAKE, 1);
	return header;
}

/** The port id (0–255) of exactly 12 bytes, or undefined when they are not a header. */
export function decodeHeader(bytes: Uint8Array): number | undefined {
	if (bytes.length !== HEADER_LENGTH) return undefined;
	return HANDSHAKE.every((byte, i) => bytes[i + 1] === byte) ? bytes[0] : undefined;
}
