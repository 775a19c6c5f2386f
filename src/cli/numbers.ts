// Numbers in options.
import { HivemindError } from "../base/errors.ts";

/** A whole number in decimal digits. @throws HivemindError `usage` when it is not one, or out of range */
export function wholeNumber(text: string, option: string, least: number, most: number): number {
	const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
	if (value >= least && value <= most) return value;
	throw new HivemindError("usage", `${option}: '${text}' is not a number from ${least} to ${most}.`);
}
