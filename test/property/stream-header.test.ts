// The stream header: what is encoded can be decoded, and nothing else is a header.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeHeader, encodeHeader, HEADER_LENGTH } from "../../src/protocol/stream-header.ts";

const portId = fc.integer({ min: 0, max: 255 });

test("every port id survives encoding and decoding", () => {
	for (let id = 0; id < 256; id++) expect(decodeHeader(encodeHeader(id))).toBe(id);
});

test("a header with one wrong byte is not a header", () => {
	const index = fc.integer({ min: 1, max: HEADER_LENGTH - 1 });
	fc.assert(
		fc.property(portId, index, fc.integer({ min: 1, max: 255 }), (id, i, change) => {
			const header = encodeHeader(id);
			header[i] = (header[i] as number) ^ change;
			expect(decodeHeader(header)).toBeUndefined();
		}),
		{ numRuns: 500 },
	);
});

test("any other twelve bytes are not a header", () => {
	fc.assert(
		fc.property(fc.uint8Array({ minLength: HEADER_LENGTH, maxLength: HEADER_LENGTH }), (bytes) => {
			fc.pre(!Buffer.from(bytes.subarray(1)).equals(encodeHeader(0).subarray(1)));
			expect(decodeHeader(bytes)).toBeUndefined();
		}),
		{ numRuns: 500 },
	);
});

test("a header with bytes missing or added is not a header", () => {
	fc.assert(
		fc.property(
			portId,
			fc.uint8Array({ minLength: 1, maxLength: 9 }),
			fc.nat(HEADER_LENGTH - 1),
			(id, more, length) => {
				expect(decodeHeader(Buffer.concat([encodeHeader(id), more]))).toBeUndefined();
				expect(decodeHeader(encodeHeader(id).subarray(0, length))).toBeUndefined();
			},
		),
	);
});
