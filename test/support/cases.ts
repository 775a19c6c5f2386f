// How many cases a property test tries: few in a normal run, a million in `bun run soak`.

/** FUZZ_CASES from the environment, or else `few`. */
export const cases = (few: number): number => Number(process.env.FUZZ_CASES ?? few);
