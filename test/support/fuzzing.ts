/** Seconds that all fuzzers have together: a minute in CI, where they run beside the other tests. */
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 9);

/** How they share it. */
const PARTS = {
  csv: 12,
  longCsv: 3,
  landedCsv: 12,
  ndjson: 16,
  copiedNdjson: 4,
  damagedNdjson: 4,
  settings: 16,
  infer: 4,
  xml: 12,
  damagedXml: 12,
  requests: 40,
};
const all = Object.values(PARTS).reduce((sum, part) => sum + part);

/** For a fuzzer: as many runs as go into its part of the time, and a timeout far behind. Milliseconds. */
export function fuzzing(name: keyof typeof PARTS) {
  const interruptAfterTimeLimit = (SECONDS * 1000 * PARTS[name]) / all;
  return {
    timeLimit: { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit },
    timeout: interruptAfterTimeLimit + 60_000,
  };
}
