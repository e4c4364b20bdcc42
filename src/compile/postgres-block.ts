import type { TSchema } from "typebox";
import { isPlainly } from "../config/plainly.ts";
import { publishedSchema } from "../config/published.ts";
import { UserError } from "../model/errors.ts";
import { type Action, type Assertion, isModel, isShown, type Model, type Operations } from "../model/graph.ts";
import { targetKey } from "../model/target.ts";
import { indexColumn, MOST_COLUMNS, tooMany } from "../sql/index-columns.ts";
import { promised } from "../sql/type-names.ts";
import { type ConfigPath, placeInConfig } from "./config-text.ts";
import type { HeldKeys } from "./held-keys.ts";

/** The `postgres: {…}` block of an action. */
export async function checkBlock(action: Action, projectDir: string, held: HeldKeys): Promise<readonly UserError[]> {
  if (action.kind === "assertion") return checkAssertionBlock(action, projectDir);
  if (action.kind === "operations") return checkOperationsBlock(action, projectDir);
  return isModel(action) ? checkPostgresBlock(action, projectDir, held) : [];
}

async function checkPostgresBlock(model: Model, projectDir: string, held: HeldKeys): Promise<readonly UserError[]> {
  const misshapen = await mistakesInBlock(model, publishedSchema("postgres"), projectDir);
  if (misshapen.length) return misshapen;
  const name = targetKey(model.target);
  const mistake = (message: string, path: ConfigPath, advice: Pick<UserError, "hint" | "expected" | "found">) =>
    new UserError({ message: `${name}: ${message}`, ...placeInConfig(projectDir, model.file, path), ...advice });
  const { indexes = [], guard, version } = model.postgres;
  const place = ["postgres", "indexes"];
  if (isShown(model) && indexes.length) {
    const hint = 'make it a table (type: "table"), or index what it reads';
    return [mistake("a view cannot have indexes", place, { hint })];
  }
  const long = indexes.flatMap(({ columns, include = [] }, index) => {
    const said = tooMany(`${name}: an index`, columns.length + include.length);
    return columns.length + include.length > MOST_COLUMNS
      ? [new UserError({ ...said, ...placeInConfig(projectDir, model.file, [...place, index]) })]
      : [];
  });
  if (long.length) return long;
  const promises = wrongContract(model, held).map(([column, message, advice]) =>
    mistake(message, ["postgres", "contract", column], advice),
  );
  if (promises.length) return promises;
  const wrong = indexes.flatMap(({ columns }, index) =>
    columns.flatMap((column, at) =>
      wrongIndexColumn(column).map(({ message, expected, found }) =>
        mistake(message, [...place, index, "columns", at], { expected, found }),
      ),
    ),
  );
  if (wrong.length) return wrong;
  if (guard?.where !== undefined && guard.maxRowDrop === undefined && model.kind !== "incremental") {
    const hint = 'say how many rows it may lose: guard: { maxRowDrop: "50%", where: "…" }';
    return [mistake("guard: where counts the rows for maxRowDrop", ["postgres", "guard", "where"], { hint })];
  }
  if (guard?.keep !== undefined && (model.kind !== "incremental" || !model.key)) {
    const hint = 'it is for incremental models with a uniqueKey: type: "incremental", uniqueKey: […]';
    return [mistake("guard: keep finds rows again by their key", ["postgres", "guard", "keep"], { hint })];
  }
  if (guard?.keepBy !== undefined && guard.keep === undefined) {
    const hint = 'say which rows are to be kept: guard: { keep: "…", keepBy: […] }';
    return [mistake("guard: keepBy finds the rows of keep again", ["postgres", "guard", "keepBy"], { hint })];
  }
  if (version !== undefined && model.kind !== "incremental") {
    const hint = `a ${model.kind} is made anew in each run: leave it out`;
    return [mistake("version is of the rows that an incremental model keeps", ["postgres", "version"], { hint })];
  }
  if (guard?.maxChangedKeys !== undefined && !model.key) {
    return [
      mistake("maxChangedKeys needs a key", ["postgres", "guard", "maxChangedKeys"], {
        hint: "say which columns name a row: assertions: { uniqueKey: […] }",
      }),
    ];
  }
  return [];
}

type Advice = Pick<UserError, "hint" | "expected" | "found">;

/** What nobody can keep of a contract. */
function wrongContract({ target, postgres }: Model, held: HeldKeys): (readonly [string, string, Advice])[] {
  return Object.entries(postgres.contract ?? {}).flatMap(([column, text]): [string, string, Advice][] => {
    const { type, neverNull } = promised(text);
    if (type === undefined)
      return [
        [column, `contract: ${column} has no type`, { expected: "numeric(18, 2), or text not null", found: text }],
      ];
    if (!neverNull || held.of(target).neverNull.has(column)) return [];
    const hint = `add ${JSON.stringify(column)} to assertions: { nonNull: […] }`;
    return [[column, `contract: nothing holds that ${column} is never NULL`, { hint }]];
  });
}

function wrongIndexColumn(column: string): readonly UserError[] {
  try {
    indexColumn(column, "postgres.indexes: columns");
    return [];
  } catch (error) {
    if (error instanceof UserError) return [error];
    throw error;
  }
}

async function checkAssertionBlock(assertion: Assertion, projectDir: string): Promise<readonly UserError[]> {
  // An assertion made by a model's config has the model's block, which is checked there.
  if (assertion.parent) return [];
  return mistakesInBlock(assertion, publishedSchema("postgres").properties.assertions, projectDir);
}

async function checkOperationsBlock(operations: Operations, projectDir: string): Promise<readonly UserError[]> {
  const misshapen = await mistakesInBlock(operations, publishedSchema("operations"), projectDir);
  const { runs } = operations.postgres;
  if (misshapen.length || !operations.hasOutput || runs === undefined || runs === "named") return misshapen;
  return [
    new UserError({
      message: `${targetKey(operations.target)} runs at the ${runs} of each run, and makes a relation that others may read`,
      ...placeInConfig(projectDir, operations.file, ["hasOutput"]),
      expected: "hasOutput: false, or no runs: what makes a relation runs before what reads it",
    }),
  ];
}

async function mistakesInBlock(
  { file, postgres }: Model | Assertion | Operations,
  schema: TSchema,
  projectDir: string,
) {
  if (isPlainly(schema, postgres)) return [];
  const { mistakesIn } = await import("../config/check.ts");
  return mistakesIn(postgres, schema, (path) => placeInConfig(projectDir, file, path), ["postgres"]);
}
