import { expect, test } from "vitest";
import { type TimedStep, timelineOf } from "../../src/run/critical-path.ts";

/** `name`, which waits for others, did `from`–`to` on a connection, in a stage. */
function step(name: string, [start, end]: readonly [number, number], more: Partial<TimedStep> = {}): TimedStep {
  return { target: { schema: "m", name }, start, seconds: end - start, connection: 1, stage: 0, waitsFor: [], ...more };
}

function told(steps: readonly TimedStep[]) {
  const { causes, critical } = timelineOf(steps);
  return {
    causes: Object.fromEntries([...causes].map(([key, { target, because }]) => [key, `${because} ${target.name}`])),
    critical: [...critical],
  };
}

const at = (connection: number, ...waitsFor: string[]) => ({ connection, waitsFor });

test.each<[what: string, steps: readonly TimedStep[], causes: Record<string, string>, critical: readonly string[]]>([
  ["a run without steps has no path", [], {}, []],
  ["a step that waits for nothing has no cause, and is the path", [step("a", [0, 1])], {}, ["m.a"]],
  [
    "of two inputs the one that ended last let it begin",
    [step("a", [0, 3], at(1)), step("b", [0, 2], at(2)), step("c", [3, 4], at(2, "m.a", "m.b"))],
    { "m.c": "input a" },
    ["m.c", "m.a"],
  ],
  [
    "a step whose inputs had ended waited for the connection that did it",
    [step("a", [0, 1], at(1)), step("b", [1, 5], at(1)), step("c", [5, 6], at(1, "m.a"))],
    { "m.b": "connection a", "m.c": "connection b" },
    ["m.c", "m.b", "m.a"],
  ],
  [
    "an input on the same connection is told as the input",
    [step("a", [0, 1], at(1)), step("b", [1, 2], at(1, "m.a"))],
    { "m.b": "input a" },
    ["m.b", "m.a"],
  ],
  [
    "an audit waits for all builds, and the next segment for all audits, whatever they read",
    [
      step("a", [0, 1], at(1)),
      step("b", [0, 4], at(2)),
      step("ok", [4, 5], { ...at(1, "m.a"), stage: 1 }),
      step("next", [6, 7], { ...at(3), stage: 2 }),
    ],
    { "m.ok": "stage b", "m.next": "stage ok" },
    ["m.next", "m.ok", "m.b"],
  ],
  [
    "what ended before the last step began and let nothing begin is not on the path",
    [step("a", [0, 2], at(1)), step("b", [0, 1.5], at(2)), step("c", [1.5, 1.8], at(2, "m.b"))],
    { "m.c": "input b" },
    ["m.a"],
  ],
  ["what it waits for and was not part of the run is no cause", [step("a", [0, 1], at(1, "m.elsewhere"))], {}, ["m.a"]],
])("%s", (_, steps, causes, critical) => {
  expect(told(steps)).toEqual({ causes, critical });
  expect(told([...steps].reverse())).toEqual({ causes, critical });
});
