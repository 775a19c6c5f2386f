// The vectors come from Python's hkdf and PyNaCl (test/support/wormhole-vectors.json).
import { expect, test } from "bun:test";
import { fromHex, phaseKey, seal, unseal } from "../../../../src/wormhole/client/keys.ts";
import vectors from "../../../support/wormhole-vectors.json" with { type: "json" };

test.each(vectors.phase_keys)("the key of phase $phase and side $side is the reference client's", (vector) => {
	expect(phaseKey(Uint8Array.fromHex(vector.key), vector.side, vector.phase).toHex()).toBe(vector.derived);
});

test.each(vectors.secretbox)("the body sealed with $key is the reference client's", (vector) => {
	const key = Uint8Array.fromHex(vector.key);
	const plaintext = Uint8Array.fromHex(vector.plaintext);
	expect(seal(key, Uint8Array.fromHex(vector.nonce), plaintext)).toBe(vector.body);
	expect(unseal(key, vector.body)?.toHex()).toBe(vector.plaintext);
});

test("a body with any bit changed does not open", () => {
	const { key: hex, body } = vectors.secretbox[0] as (typeof vectors.secretbox)[0];
	const key = Uint8Array.fromHex(hex);
	const bytes = Uint8Array.fromHex(body);
	for (let bit = 0; bit < bytes.length * 8; bit++) {
		const changed = bytes.slice();
		changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
		expect(unseal(key, changed.toHex())).toBeUndefined();
	}
	for (let length = 0; length < bytes.length; length++) {
		expect(unseal(key, bytes.subarray(0, length).toHex())).toBeUndefined();
	}
});

test("an empty message can be sealed and opened", () => {
	const key = new Uint8Array(32);
	expect(unseal(key, seal(key, new Uint8Array(24), new Uint8Array()))).toEqual(new Uint8Array());
});

test("hex is read strictly", () => {
	expect(fromHex("00fF")).toEqual(Uint8Array.of(0, 255));
	for (const text of ["0", "0g", " 00", "00 ", "0x00", "é0"]) expect(fromHex(text)).toBeUndefined();
});
