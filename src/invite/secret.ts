// The secret half of a ticket: `<EndpointTicket>.<secret>`, 128 random bits in lowercase base32 without padding
// (RFC 4648 section 6; 26 characters). Pure but for the random bits.

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const BITS = 128;
/** Characters of a secret. */
export const SECRET_LENGTH = Math.ceil(BITS / 5);

/** A new random secret. */
export function newSecret(): string {
	const bytes = crypto.getRandomValues(new Uint8Array(BITS / 8));
	let bits = "";
	for (const byte of bytes) bits += byte.toString(2).padStart(8, "0");
	return bits.replace(/.{1,5}/g, (five) => ALPHABET[Number.parseInt(five.padEnd(5, "0"), 2)] as string);
}

/** Whether the text is one that {@link newSecret} could return. */
export function isSecret(text: string): boolean {
	// The last character carries three bits; its other two are zero.
	return new RegExp(`^[${ALPHABET}]{${SECRET_LENGTH - 1}}[aeimquy4]$`).test(text);
}

/** Compares in constant time; how long it takes tells at most whether the lengths differ. */
export function sameSecret(one: string, other: string): boolean {
	const a = Buffer.from(one);
	const b = Buffer.from(other);
	return a.length === b.length && crypto.timingSafeEqual(a, b);
}
