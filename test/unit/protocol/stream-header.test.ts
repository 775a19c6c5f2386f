// The first bytes of a stream, compared with the vectors in PROTOCOL.md.
import { expect, test } from "bun:test";
import {
	ACCEPTED,
	ALPN,
	decodeHeader,
	encodeHeader,
	HEADER_LENGTH,
	PROBE_ALPN,
	REFUSED,
} from "../../../src/protocol/stream-header.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("the header is the port id and eleven ASCII bytes", () => {
	expect(HEADER_LENGTH).toBe(12);
	expect(hex(encodeHeader(0x01))).toBe("01686976656d696e64703270");
	expect(hex(encodeHeader(0x03))).toBe("03686976656d696e64703270");
});

test("the answers and the ALPNs are the original program's", () => {
	expect([ACCEPTED, REFUSED]).toEqual([0xff, 0x00]);
	expect(ALPN).toEqual({ hivemind: "HIVEMIND/1.0.0", "federated-hivemind": "HIVEMIND-FEDERATED/1.0.0" });
});

test("a probe's ALPN is none of the --alpn choices, so a probe is never taken for a peer", () => {
	expect(Object.values<string>(ALPN)).not.toContain(PROBE_ALPN);
	expect(PROBE_ALPN).toBe("HIVEMIND-PROBE/1.0.0");
});

test("port id 0 is valid, and not taken for a failure", () => {
	expect(decodeHeader(encodeHeader(0))).toBe(0);
});

test("too few and too many bytes are not a header", () => {
	const header = encodeHeader(1);
	for (let length = 0; length < HEADER_LENGTH; length++)
		expect(decodeHeader(header.subarray(0, length))).toBeUndefined();
	expect(decodeHeader(Buffer.concat([header, Uint8Array.of(0)]))).toBeUndefined();
});

test("upper case is not a header", () => {
	expect(decodeHeader(new TextEncoder().encode("\u0001HIVEMINDP2P"))).toBeUndefined();
});
