// What follows from the SPAKE2 key: one key for each side and phase, and the sealed bodies of messages
// (docs/mailbox-protocol.md, "Phases").
import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";

/** Bytes of a nonce; it must never be used twice with one key. */
export const NONCE = 24;

/** Bytes of the authenticator in front of the ciphertext. */
const TAG = 16;

/** The 32-byte key of one phase, for what `side` sends. */
export function phaseKey(key: Uint8Array, side: string, phase: string): Uint8Array {
	const info = concatBytes(utf8ToBytes("wormhole:phase:"), sha256(utf8ToBytes(side)), sha256(utf8ToBytes(phase)));
	return hkdf(sha256, key, undefined, info, 32);
}

/** The body of a message: hex of nonce and NaCl secretbox. */
export function seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): string {
	return concatBytes(nonce, xsalsa20poly1305(key, nonce).encrypt(plaintext)).toHex();
}

/** The plaintext of a body, or undefined when it was not sealed with `key`: a wrong code, or an attacker. */
export function unseal(key: Uint8Array, body: string): Uint8Array | undefined {
	const bytes = fromHex(body);
	if (!bytes || bytes.length < NONCE + TAG) return undefined;
	try {
		return xsalsa20poly1305(key, bytes.subarray(0, NONCE)).decrypt(bytes.subarray(NONCE));
	} catch {
		return undefined;
	}
}

/** The bytes of strict hex, or undefined. */
export function fromHex(text: string): Uint8Array | undefined {
	if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
	return Uint8Array.fromHex(text);
}
