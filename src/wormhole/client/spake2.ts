// SPAKE2, symmetric, over Ed25519: two sides that know the same short password get the same 32-byte key, and a wrong
// guess costs one exchange. Byte for byte what python-spake2 0.8 (SPAKE2_Symmetric) does, whose encodings of group
// elements and scalars predate RFC 9382 (docs/mailbox-protocol.md, "SPAKE2").
import { ed25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, randomBytes, utf8ToBytes } from "@noble/hashes/utils.js";

const { Point } = ed25519;
type Element = InstanceType<typeof Point>;

/** Order of the prime-order subgroup. */
const L = Point.Fn.ORDER;

/** First byte of a message: "S", for symmetric. */
const SIDE = 0x53;

/** The fixed element S, whose logarithm to base B nobody knows. The tests derive it from its seed. */
const S = Point.fromHex("6f00dae87c1be1a73b5922ef431cd8f57879569c222d22b1cd71e8546ab8e6f1");

/** Our half of the exchange, kept until the other side's message is there. Secret, used once. */
export interface Spake2 {
	readonly password: Uint8Array;
	readonly identity: Uint8Array;
	/** x, 0 <= x < L. */
	readonly scalar: bigint;
	/** Our message: 33 bytes, to be sent. */
	readonly message: Uint8Array;
}

/** The other side sent a message that no honest client sends; it must not be answered. */
export class BadElement extends Error {
	constructor(why: string) {
		super(`SPAKE2: the other side's message ${why}`);
		this.name = "BadElement";
	}
}

/** A fresh secret scalar: 64 random bytes mod L, a bias below 2^-250. */
export function randomScalar(): bigint {
	return integer(randomBytes(64)) % L;
}

/** Our half: `password` is the whole code, `identity` the AppID, both UTF-8. About 1 ms. */
export function start(password: string, identity: string, scalar: bigint): Spake2 {
	const bytes = utf8ToBytes(password);
	const element = times(Point.BASE, scalar).add(times(S, passwordScalar(bytes)));
	return {
		password: bytes,
		identity: utf8ToBytes(identity),
		scalar,
		message: concatBytes(Uint8Array.of(SIDE), element.toBytes()),
	};
}

/**
 * The shared key, 32 bytes, from our half and the other side's message; equal on both sides exactly when the
 * passwords and identities were. About 2 ms.
 * @throws BadElement when the message is not a canonical point of the prime-order subgroup, or is our own
 */
export function finish(own: Spake2, message: Uint8Array): Uint8Array {
	const theirs = decode(message);
	const ours = own.message.subarray(1);
	if (compare(ours, message.subarray(1)) === 0) throw new BadElement("is our own, sent back");
	const shared = times(theirs.subtract(times(S, passwordScalar(own.password))), own.scalar);
	if (shared.is0()) throw new BadElement("leads to the neutral element");
	const [low, high] =
		compare(ours, message.subarray(1)) < 0 ? [ours, message.subarray(1)] : [message.subarray(1), ours];
	return sha256(concatBytes(sha256(own.password), sha256(own.identity), low, high, shared.toBytes()));
}

/** pw: the password as a scalar. 16 bytes more than L has, so that the remainder is uniform. */
export function passwordScalar(password: Uint8Array): bigint {
	return integer(hkdf(sha256, password, undefined, utf8ToBytes("SPAKE2 pw"), 48)) % L;
}

// --- internal ---

function decode(message: Uint8Array): Element {
	if (message.length !== 33) throw new BadElement(`has ${message.length} bytes, not 33`);
	if (message[0] !== SIDE) throw new BadElement("is for another side");
	const encoded = message.subarray(1);
	let point: Element;
	try {
		// zip215 = false: y must be below p, and x = 0 has one encoding only (RFC 8032 section 5.1.3).
		point = Point.fromBytes(encoded, false);
	} catch {
		throw new BadElement("is not a canonical point of the curve");
	}
	if (compare(point.toBytes(), encoded) !== 0) throw new BadElement("is not in canonical encoding");
	if (point.isSmallOrder()) throw new BadElement("has small order");
	if (!point.isTorsionFree()) throw new BadElement("is outside the prime-order subgroup");
	return point;
}

/** noble's `multiply` is algorithmically constant-time, unlike its `multiplyUnsafe`; it does not take zero. */
function times(point: Element, scalar: bigint): Element {
	return scalar === 0n ? Point.ZERO : point.multiply(scalar);
}

function integer(bytes: Uint8Array): bigint {
	return BigInt(`0x${bytes.toHex()}`);
}

function compare(a: Uint8Array, b: Uint8Array): number {
	return Buffer.compare(a, b);
}
