/** Seconds that all fuzzers have together: a minute in CI, where they run beside the other tests. */
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 9);

/** For a fuzzer that has this share of the time: as many runs as go in, and a timeout far behind. Milliseconds. */
export function fuzzing(share: number) {
  const interruptAfterTimeLimit = SECONDS * share * 1000;
  return {
    timeLimit: { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit },
    timeout: interruptAfterTimeLimit + 60_000,
  };
}
