// Identity files with any content: exactly what we write can be read; anything else is refused and left alone.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { HivemindError } from "../../src/base/errors.ts";
import { decodeIdentity, encodeIdentity, openIdentity } from "../../src/invite/identity.ts";
import { newSecret } from "../../src/invite/secret.ts";
import { cases } from "../support/cases.ts";
import { valueOr } from "../support/throws.ts";

let folder: string;
let path: string;

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "hivemind-p2p-identity-"));
	path = join(folder, "identity");
});

afterAll(() => rmSync(folder, { recursive: true }));

const real = fc
	.record({ key: fc.uint8Array({ minLength: 32, maxLength: 32 }), secret: fc.constant(0).map(newSecret) })
	.map((it) => ({ ...it, key: new Uint8Array(it.key) }));

/** A real file's text with an error in it, or any bytes. */
const content = fc.oneof(
	fc.uint8Array({ minLength: 1, maxLength: 300 }),
	fc
		.tuple(real, fc.nat(200), fc.nat(2), fc.uint8Array({ maxLength: 2 }))
		.map(([identity, at, remove, insert]) => {
			const bytes = [...Buffer.from(encodeIdentity(identity))];
			bytes.splice(at, remove, ...insert);
			return Uint8Array.from(bytes);
		})
		.filter(({ length }) => length > 0),
);

test("what is written can be read again", () => {
	fc.assert(
		fc.property(real, (identity) => {
			expect(decodeIdentity(encodeIdentity(identity))).toEqual(identity);
			writeFileSync(path, encodeIdentity(identity), { mode: 0o600 });
			const { key, secret, close } = openIdentity(path);
			close();
			expect({ key, secret }).toEqual(identity);
		}),
	);
});

test("any content is an identity with exactly this encoding, or is refused; the file stays as it is", () => {
	fc.assert(
		fc.property(content, (bytes) => {
			writeFileSync(path, bytes, { mode: 0o600 });
			const result = valueOr("identity", () => openIdentity(path));
			const after = readFileSync(path);
			expect(after.equals(bytes)).toBe(true);
			if (result instanceof HivemindError) {
				// A refused file is unlocked, so the next program gets the same answer.
				expect(valueOr("identity", () => openIdentity(path))).toMatchObject({ message: result.message });
				return;
			}
			result.close();
			expect(encodeIdentity(result)).toBe(after.toString("latin1"));
		}),
		{ numRuns: cases(500) },
	);
});
