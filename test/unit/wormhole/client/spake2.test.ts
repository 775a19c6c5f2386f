// The vectors come from python-spake2 0.8 (test/support/wormhole-vectors.json).
import { expect, test } from "bun:test";
import { ed25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { BadElement, finish, passwordScalar, randomScalar, start } from "../../../../src/wormhole/client/spake2.ts";
import vectors from "../../../support/wormhole-vectors.json" with { type: "json" };

const { Point } = ed25519;
const utf8 = new TextEncoder();
const own = start("5-hamburger-endorse", vectors.appid, 12345n);

function message(point: string, side = "53"): Uint8Array {
	return Uint8Array.fromHex(side + point);
}

test("the fixed element S is the one that its derivation gives", () => {
	const S = deriveS();
	expect(S.toHex()).toBe(vectors.S_symmetric);
	// With a scalar of zero, a message is pw·S.
	const zero = start("5-a-b", "app", 0n);
	expect(zero.message.subarray(1).toHex()).toBe(S.multiply(passwordScalar(zero.password)).toHex());
});

/** S from its seed: the first y upward that is on the curve (with even x), times the cofactor. */
function deriveS(): InstanceType<typeof Point> {
	const p = Point.Fp.ORDER;
	const seed = hkdf(sha256, utf8.encode("symmetric"), undefined, utf8.encode("SPAKE2 arbitrary element"), 48);
	for (let y = BigInt(`0x${seed.toHex()}`) % p; ; y = (y + 1n) % p) {
		try {
			const littleEndian = Uint8Array.fromHex(y.toString(16).padStart(64, "0")).reverse();
			return Point.fromBytes(littleEndian).clearCofactor();
		} catch {
			// Not on the curve: about every second y is.
		}
	}
}

test.each(vectors.spake2)("messages and key of $password are the reference implementation's", (vector) => {
	expect(passwordScalar(utf8.encode(vector.password))).toBe(BigInt(vector.password_scalar));
	const a = start(vector.password, vector.appid, BigInt(vector.scalar_a));
	const b = start(vector.password, vector.appid, BigInt(vector.scalar_b));
	expect(a.message.toHex()).toBe(vector.message_a);
	expect(b.message.toHex()).toBe(vector.message_b);
	expect(finish(a, b.message).toHex()).toBe(vector.key);
	expect(finish(b, a.message).toHex()).toBe(vector.key);
});

test("another password or identity gives another key", () => {
	const [a, b] = [randomScalar(), randomScalar()];
	const right = start("5-a-b", "app", a);
	const key = finish(right, start("5-a-b", "app", b).message).toHex();
	expect(finish(start("5-a-c", "app", b), right.message).toHex()).not.toBe(key);
	expect(finish(start("5-a-b", "other", b), right.message).toHex()).not.toBe(key);
	expect(finish(start("5-a-b", "app", b), right.message).toHex()).toBe(key);
});

test("random scalars are below the group order and differ", () => {
	const scalars = Array.from({ length: 20 }, randomScalar);
	expect(new Set(scalars).size).toBe(20);
	for (const scalar of scalars) expect(scalar >= 0n && scalar < Point.Fn.ORDER).toBe(true);
});

const good = start("5-hamburger-endorse", vectors.appid, 54321n).message.toHex().slice(2);
/** All encodings of the points of order 1, 2, 4 and 8, including non-canonical ones (y + p, or x = 0 with a sign). */
const SMALL_ORDER = [
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"0100000000000000000000000000000000000000000000000000000000000080",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

test.each(SMALL_ORDER)("the small-order point %s is refused", (point) => {
	expect(() => finish(own, message(point))).toThrow(BadElement);
});

test("a point outside the prime-order subgroup is refused", () => {
	const torsion = Point.fromHex(SMALL_ORDER[4] as string);
	const mixed = Point.fromHex(good).add(torsion);
	expect(mixed.isTorsionFree()).toBe(false);
	expect(() => finish(own, message(mixed.toHex()))).toThrow("outside the prime-order subgroup");
});

test("a point off the curve is refused", () => {
	// Half of all y have no x; this takes the first one from 2 upward.
	const off = Array.from({ length: 20 }, (_, y) => `${(y + 2).toString(16).padStart(2, "0")}${"00".repeat(31)}`).find(
		(hex) => {
			try {
				Point.fromHex(hex);
				return false;
			} catch {
				return true;
			}
		},
	);
	expect(() => finish(own, message(off as string))).toThrow("not a canonical point");
});

test("a non-canonical encoding of a good point is refused", () => {
	// y + p fits into 255 bits only for y below 19, of which 3 is on the curve.
	const y = Array.from({ length: 19 }, (_, value) => value).filter((value) => {
		try {
			return !Point.fromHex(value.toString(16).padStart(2, "0") + "00".repeat(31)).isSmallOrder();
		} catch {
			return false;
		}
	});
	expect(y.length).toBeGreaterThan(0);
	for (const value of y) {
		const encoded = (0xed + value).toString(16) + "ff".repeat(30);
		expect(() => finish(own, message(`${encoded}7f`))).toThrow("not a canonical point");
		expect(() => finish(own, message(`${encoded}ff`))).toThrow("not a canonical point");
	}
});

test("a message for another side, too short or too long, is refused", () => {
	for (const side of ["41", "42", "00", "ff"]) expect(() => finish(own, message(good, side))).toThrow("another side");
	for (const hex of ["", "53", `53${good.slice(2)}`, `53${good}00`]) {
		expect(() => finish(own, Uint8Array.fromHex(hex))).toThrow("bytes, not 33");
	}
});

test("our own message sent back is refused", () => {
	expect(() => finish(own, own.message)).toThrow("our own");
});

test("a message that makes the shared element the neutral one is refused", () => {
	const S = Point.fromHex(vectors.S_symmetric);
	const blinding = S.multiply(passwordScalar(utf8.encode("5-hamburger-endorse")));
	expect(() => finish(own, message(blinding.toHex()))).toThrow("neutral");
});

test("a scalar of zero is accepted, and its shared element is refused", () => {
	const zero = start("5-a-b", "app", 0n);
	expect(() => finish(zero, start("5-a-b", "app", 1n).message)).toThrow("neutral");
});

test("a shared element that ends in a zero byte keeps it", () => {
	// python-spake2 gives this key; wormhole-william 1.0.6, which sent the message, gives another (test/interop).
	const own = start(
		"8-microwave-tumor",
		vectors.appid,
		3396442706433578361704372018388339100226206202978404061388192191069407290952n,
	);
	const theirs = message("bb9b452413f4cd184dea73658d442898a27ac76b22fafc06c564a821f9661028");
	expect(own.message.toHex()).toBe("539962026548add6a7e725e2bfa216f08aa2202e8b1ea5d2d3aa788e527db5ccad");
	expect(finish(own, theirs).toHex()).toBe("86b3eeecb23c33e3cf3a69d8a4dcdd66717ff2ffd49a7e5e6cc30dc3f92ba6fe");
});
