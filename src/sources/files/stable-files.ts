import { pause } from "../../wait/pause.ts";
import type { Filesystem, SourceFile } from "../source.ts";
import { globWithSuffix } from "./glob.ts";

export interface StableRules {
  readonly settleSeconds: number;
  readonly doneSuffix?: string;
}

/** In place of the clock, for tests. */
export interface StableClock {
  /** Milliseconds since 1970. */
  now(): number;
  sleep(seconds: number): Promise<void>;
}

export interface StableListing {
  readonly whole: readonly SourceFile[];
  /** Paths of files that may still be being written. */
  readonly growing: readonly string[];
}

const realClock: StableClock = { now: Date.now, sleep: (seconds) => pause(seconds * 1000) };

/**
 * The files at a place that nobody is writing any more. With `doneSuffix` those are the ones with a done file beside
 * them. Otherwise those last modified more than `settleSeconds` ago, and those that did not change during that time.
 */
export async function listStable(
  filesystem: Pick<Filesystem, "list">,
  glob: string,
  rules: StableRules,
  clock: StableClock = realClock,
  onWait?: (seconds: number) => void,
): Promise<StableListing> {
  const { doneSuffix, settleSeconds } = rules;
  if (doneSuffix !== undefined) {
    // The done files first: a file whose done file is there already is whole in the later listing.
    const done = new Set((await filesystem.list(globWithSuffix(glob, doneSuffix))).map(({ path }) => path));
    const files = (await filesystem.list(glob)).filter(({ path }) => !path.endsWith(doneSuffix));
    return divide(files, ({ path }) => done.has(path + doneSuffix));
  }
  const first = await filesystem.list(glob);
  const now = clock.now();
  if (first.every((file) => isOld(file, now, settleSeconds))) return { whole: first, growing: [] };
  onWait?.(settleSeconds);
  await clock.sleep(settleSeconds);
  const before = new Map(first.map((file) => [file.path, file]));
  const second = await filesystem.list(glob);
  // A file that is new in the second listing has been watched for no time at all.
  return divide(second, (file) => {
    const earlier = before.get(file.path);
    return earlier !== undefined && sameState(earlier, file);
  });
}

function divide(files: readonly SourceFile[], isWhole: (file: SourceFile) => boolean): StableListing {
  const whole: SourceFile[] = [];
  const growing: string[] = [];
  for (const file of files) {
    if (isWhole(file)) whole.push(file);
    else growing.push(file.path);
  }
  return { whole, growing };
}

function isOld({ modifiedAt }: SourceFile, now: number, settleSeconds: number): boolean {
  if (settleSeconds === 0) return true;
  return modifiedAt !== undefined && now - Date.parse(modifiedAt) > settleSeconds * 1000;
}

function sameState(a: SourceFile, b: SourceFile): boolean {
  return a.size === b.size && a.modifiedAt === b.modifiedAt && a.version === b.version;
}

/** Numbers from `first` to `last` that no path has. */
export interface SequenceGap {
  readonly first: number;
  readonly last: number;
}

/**
 * What is missing between the smallest and the largest number in the paths, in order. `pattern` is a regular expression
 * whose one group is the number; paths that it does not match have none.
 */
export function sequenceGaps(paths: Iterable<string>, pattern: string): readonly SequenceGap[] {
  const expression = new RegExp(pattern);
  const numbers = [...paths].flatMap((path) => {
    const digits = expression.exec(path)?.[1];
    const number = digits === undefined ? Number.NaN : Number(digits);
    return Number.isSafeInteger(number) && digits !== "" ? [number] : [];
  });
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  return sorted.flatMap((number, index) => {
    const next = sorted[index + 1];
    return next === undefined || next === number + 1 ? [] : [{ first: number + 1, last: next - 1 }];
  });
}
