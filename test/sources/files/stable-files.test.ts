import { describe, expect, test } from "vitest";
import { parseGlob } from "../../../src/sources/files/glob.ts";
import { listStable, sequenceGaps } from "../../../src/sources/files/stable-files.ts";
import type { SourceFile } from "../../../src/sources/source.ts";

type State = Partial<Pick<SourceFile, "size" | "modifiedAt" | "version">>;

const START = Date.UTC(2026, 10, 21, 12);
const ago = (seconds: number) => new Date(START - seconds * 1000).toISOString();

/** A place whose files are in another state after each sleep. */
function watched(...states: readonly Readonly<Record<string, State>>[]) {
  let moment = 0;
  const slept: number[] = [];
  const files = () => Object.entries(states[Math.min(moment, states.length - 1)]!);
  const open = () => Promise.reject(new Error("not opened here"));
  return {
    slept,
    place: {
      list: async (glob: string) =>
        files()
          .filter(([path]) => parseGlob(glob).matches(path))
          .map(([path, state]) => ({ path, ...state, open })),
    },
    clock: {
      now: () => START,
      sleep: async (seconds: number) => {
        slept.push(seconds);
        moment++;
      },
    },
  };
}

async function settled(
  view: ReturnType<typeof watched>,
  glob: string,
  rules: { settleSeconds: number; doneSuffix?: string },
) {
  const { whole, growing } = await listStable(view.place, glob, rules, view.clock);
  return { whole: whole.map(({ path }) => path), growing };
}

describe("fault 44: a file that is still being written", () => {
  test("is left for later when it grows between two looks", async () => {
    const view = watched(
      { "a.csv": { size: 10, modifiedAt: ago(1) }, "b.csv": { size: 5, modifiedAt: ago(900) } },
      { "a.csv": { size: 20, modifiedAt: ago(1) }, "b.csv": { size: 5, modifiedAt: ago(900) } },
    );
    expect(await settled(view, "*.csv", { settleSeconds: 5 })).toEqual({ whole: ["b.csv"], growing: ["a.csv"] });
    expect(view.slept).toEqual([5]);
  });

  test("is noticed by its time or its version where the size stays", async () => {
    const view = watched(
      { "a.csv": { size: 10, modifiedAt: ago(2) }, "b.csv": { size: 10, version: "1" } },
      { "a.csv": { size: 10, modifiedAt: ago(1) }, "b.csv": { size: 10, version: "2" } },
    );
    expect(await settled(view, "*.csv", { settleSeconds: 5 })).toEqual({ whole: [], growing: ["a.csv", "b.csv"] });
  });

  test("is whole when it did not change, and given as it was seen last", async () => {
    const view = watched({ "a.csv": { size: 10 } });
    expect(await settled(view, "*.csv", { settleSeconds: 5 })).toEqual({ whole: ["a.csv"], growing: [] });
    expect(view.slept).toEqual([5]);
  });

  test("is whole without waiting when it is old", async () => {
    const view = watched({ "a.csv": { size: 10, modifiedAt: ago(6) } });
    expect(await settled(view, "*.csv", { settleSeconds: 5 })).toEqual({ whole: ["a.csv"], growing: [] });
    expect(view.slept).toEqual([]);
  });

  test("is not taken for old when the other clock is ahead of ours", async () => {
    const view = watched(
      { "a.csv": { size: 10, modifiedAt: ago(-3600) } },
      { "a.csv": { size: 11, modifiedAt: ago(-3600) } },
    );
    expect(await settled(view, "*.csv", { settleSeconds: 5 })).toEqual({ whole: [], growing: ["a.csv"] });
  });

  test("that appears or goes while we wait is left for later, or forgotten", async () => {
    const view = watched({ "gone.csv": { size: 1 } }, { "new.csv": { size: 1 } });
    expect(await settled(view, "*.csv", { settleSeconds: 5 })).toEqual({ whole: [], growing: ["new.csv"] });
  });

  test("is whole when its done file is there, however young it is", async () => {
    const young = { size: 1, modifiedAt: ago(0) };
    const view = watched({ "a.csv": young, "a.csv.done": young, "b.csv": { size: 1, modifiedAt: ago(900) } });
    expect(await settled(view, "*.csv", { settleSeconds: 5, doneSuffix: ".done" })).toEqual({
      whole: ["a.csv"],
      growing: ["b.csv"],
    });
    expect(await settled(view, "*", { settleSeconds: 5, doneSuffix: ".done" })).toEqual({
      whole: ["a.csv"],
      growing: ["b.csv"],
    });
    expect(view.slept).toEqual([]);
  });

  test("is nobody's concern with settleSeconds 0", async () => {
    const view = watched({ "a.csv": { size: 1, modifiedAt: ago(0) } });
    expect((await settled(view, "*.csv", { settleSeconds: 0 })).whole).toEqual(["a.csv"]);
    expect(view.slept).toEqual([]);
  });
});

describe("fault 43: numbers that are missing in a sequence", () => {
  const gaps = (...numbers: readonly (number | string)[]) =>
    sequenceGaps(
      numbers.map((number) => `in/orders-${number}.csv`),
      "orders-(\\d+)\\.csv",
    );

  test("are told whatever the order of the files", () => {
    expect(gaps(3, 1, 7, 2, 12)).toEqual([
      { first: 4, last: 6 },
      { first: 8, last: 11 },
    ]);
  });

  test("are none in a whole sequence, with leading zeros and repeated numbers", () => {
    expect(gaps("0001", "0003", "0002", "2")).toEqual([]);
    expect(gaps()).toEqual([]);
    expect(gaps(5)).toEqual([]);
  });

  test("are not looked for in files without a number", () => {
    expect(sequenceGaps(["readme.txt", "orders-1.csv", "orders-x.csv", "orders-3.csv"], "orders-(\\d+)")).toEqual([
      { first: 2, last: 2 },
    ]);
  });

  test("are told as a range however many they are", () => {
    expect(gaps(1, 9_000_000_000)).toEqual([{ first: 2, last: 8_999_999_999 }]);
  });
});
