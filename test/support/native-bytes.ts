// Bytes for tests that use the raw binding: as the loaded one wants them, Uint8Array or an array of numbers.
import { SecretKey } from "@number0/iroh";

/** Whether the loaded binding takes and returns Uint8Array; version 1.1.0 has arrays of numbers instead. */
export const TAKES_BYTES = (SecretKey.generate().toBytes() as unknown) instanceof Uint8Array;

/** A copy of the bytes; of a text its UTF-8. What the binding returns can be spread either way. */
export function nativeBytes(bytes: Iterable<number> | string = []): number[] {
	const copy = typeof bytes === "string" ? Buffer.from(bytes) : Uint8Array.from(bytes);
	return TAKES_BYTES ? (copy as unknown as number[]) : [...copy];
}
