import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { compile } from "../../src/compile/compile.ts";
import { testProject } from "../support/project.ts";

const include = (name: string) => readFileSync(resolve(import.meta.dirname, `../../includes/${name}`), "utf8");
const right = {
  series: ["id"],
  takenAt: "day",
  day: "day",
  previous: "previous_day",
  columns: { id: "bigint", day: "date", views: "bigint" },
  counters: { views: "bigint" },
};

/** Compiles a model that makes a store with these options. */
async function store(options: object): Promise<void> {
  const project = testProject({
    "includes/readings.js": include("readings.js"),
    "includes/deltas.js": include("deltas.js"),
    "definitions/a.sqlx": `config { type: "table" }
js { const store = readings.store(${JSON.stringify(options)}); }
with \${store.news("select 1 as load_id")} select * from new_loads`,
  });
  await compile(project.dir);
}

test("a store with right options compiles", async () => {
  await store(right);
});

test.each([
  [{ serie: ["id"] }, 'unknown option "serie"'],
  [{ series: [] }, "needs series"],
  [{ takenAt: undefined }, "needs takenAt"],
  [{ counters: {} }, "needs counters"],
  [{ leading: "clicks" }, 'leading "clicks" is none of the counters'],
  [{ columns: { id: "bigint", day: "date" } }, 'columns lacks the type of "views"'],
])("a mistake in the call is told: %j", async (wrong, message) => {
  await expect(store({ ...right, ...wrong })).rejects.toThrow(`readings.store: ${message}`);
});
