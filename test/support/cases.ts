// How many cases a fuzzing property tries: few in the tests, a million in `bun run soak`.

/** FUZZ_CASES where that is set, else `few`. */
export const cases = (few: number): number => Number(process.env.FUZZ_CASES ?? few);
