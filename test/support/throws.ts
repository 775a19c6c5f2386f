// Expects that a call throws nothing but a HivemindError with the right code and a one-line message.
import { expect } from "bun:test";
import { type ErrorCode, HivemindError } from "../../src/base/errors.ts";

/** The error of a call that must throw one with this code. */
export function thrown(code: ErrorCode, work: () => unknown): HivemindError {
	const result = valueOr(code, work);
	expect(result).toBeInstanceOf(HivemindError);
	return result as HivemindError;
}

/** The value, or the error if it has this code; any other error is thrown. */
export function valueOr<T>(code: ErrorCode, work: () => T): T | HivemindError {
	try {
		return work();
	} catch (error) {
		return known(code, error);
	}
}

/** The same for a promise. */
export function resultOr<T>(code: ErrorCode, work: Promise<T>): Promise<T | HivemindError> {
	return work.catch((error: unknown) => known(code, error));
}

function known(code: ErrorCode, error: unknown): HivemindError {
	if (!(error instanceof HivemindError) || error.code !== code) throw error;
	expect(error.message).not.toContain("\n");
	return error;
}
