import type { ConnectionSettings } from "../model/connection-settings.ts";
import { type SourceLocation, UserError } from "../model/errors.ts";
import type { CompiledGraph, UnitTest } from "../model/graph.ts";
import type { Statement } from "../model/plan.ts";
import type { JsonText, StepError } from "../model/report.ts";
import { type Client, type ConnectOptions, withClient } from "../postgres/client.ts";
import { id } from "../sql/identifiers.ts";
import { resolveReferences } from "../sql/references.ts";
import { queryIn } from "../sql/split.ts";
import { type Identifier, type Sql, sql } from "../sql/sql.ts";
import { composed, sqlOf } from "../sql/statement.ts";
import { explainFailure } from "./explain.ts";
import { placeOfText, type ReadSource, type Sources, sourcesOf } from "./place.ts";

/** The outcome of the project's `type: "test"` actions. */
export interface UnitTestReport {
  readonly version: 1;
  readonly tests: readonly UnitTestResult[];
}

export interface UnitTestResult {
  readonly name: string;
  readonly file: string;
  readonly passed: boolean;
  /** Of one that differs: where the rows that it expects are written. */
  readonly location?: SourceLocation;
  /** Rows that were expected and did not come. */
  readonly missing: readonly JsonText[];
  /** Rows that came and were not expected. */
  readonly unexpected: readonly JsonText[];
  readonly error?: StepError;
}

/**
 * Runs every unit test in a read-only transaction: the model's query over the given inputs must return the
 * expected rows, in any order, each as often as expected.
 */
export async function runUnitTests(
  graph: CompiledGraph,
  settings: ConnectionSettings,
  options: Pick<ConnectOptions, "signal" | "onWait"> & { readonly readSource?: ReadSource } = {},
): Promise<UnitTestReport> {
  const sources = sourcesOf(graph, options.readSource);
  if (!graph.tests.length) return { version: 1, tests: [] };
  const { signal, onWait } = options;
  return withClient(settings, { applicationName: "dataform-test", duty: "builder", signal, onWait }, async (client) => {
    const tests: UnitTestResult[] = [];
    for (const test of graph.tests) {
      tests.push(await runUnitTest(test, client, sources));
      signal?.throwIfAborted();
    }
    return { version: 1, tests };
  });
}

/** Floating-point numbers are compared with all their digits. */
const READ = sql`begin transaction read only; set local extra_float_digits = 1`;

async function runUnitTest(test: UnitTest, client: Client, sources: Sources): Promise<UnitTestResult> {
  const base = { name: test.name, file: test.file };
  const statement = comparison(test);
  try {
    await client.script(READ);
    const { rows } = await client.query<Record<"missing" | "unexpected" | "named_twice", string>>(sqlOf(statement));
    const namedTwice = JSON.parse(rows[0]!.named_twice) as string[];
    if (namedTwice.length) throw oneNameTwice(test, namedTwice);
    const missing = JSON.parse(rows[0]!.missing) as JsonText[];
    const unexpected = JSON.parse(rows[0]!.unexpected) as JsonText[];
    if (!missing.length && !unexpected.length) return { ...base, passed: true, missing, unexpected };
    return { ...base, passed: false, location: placeOfText(test.file, test.expected, sources), missing, unexpected };
  } catch (error) {
    const failure = explainFailure(error, test.file, sources, [statement]);
    return { ...base, passed: false, missing: [], unexpected: [], error: failure };
  } finally {
    await client.query(sql`rollback`).catch(() => {});
  }
}

/**
 * Each input is a common table expression under the name of what it stands for. Rows are compared as JSON, so that a
 * literal without a type in the expectation meets the type of the model, and numbers by their value; each is shown as
 * its columns were written.
 */
function comparison(test: UnitTest): Statement {
  const query = (name: Identifier, text: string) => [
    sql`${name} as (`,
    { file: test.file, text: filledIn(queryIn(text)) },
    sql`),`,
  ];
  return composed("read", [
    sql`with`,
    ...test.inputs.flatMap((input, index) => query(inputName(String(index)), input)),
    ...query(ACTUAL, test.query),
    ...query(EXPECTED, test.expected),
    sql`
      ${numbered("actual", ACTUAL)},
      ${numbered("expected", EXPECTED)}
      select
        ${onlyIn("expected", "actual")} as missing,
        ${onlyIn("actual", "expected")} as unexpected,
        (
          select coalesce(pg_catalog.json_agg(distinct name), '[]')
          from (
            ${namesTwiceIn(ACTUAL)}
            union all
            ${namesTwiceIn(EXPECTED)}
          ) as twice
        ) as named_twice`,
  ]);
}

/** Inputs instead of what the query reads. */
function filledIn(query: string): string {
  return resolveReferences(query, ({ schema }) => ({ sql: inputName(schema).toString(), renamed: true }));
}

// The author's texts stand between ours, so none of these may be a name of theirs.
const ACTUAL = id("_dataform_actual_rows");
const EXPECTED = id("_dataform_expected_rows");
const inputName = (index: string) => id(`_dataform_input_${index}`);

/** Equal rows are told apart by a number, so that each must come as often as it is expected. */
function numbered(name: "actual" | "expected", rows: Identifier): Sql {
  return sql`
    ${id(`_dataform_${name}`)} as (
      select
        pg_catalog.to_jsonb(line.*) as content,
        pg_catalog.row_to_json(line.*)::text as shown,
        pg_catalog.row_number() over (partition by pg_catalog.to_jsonb(line.*)) as copy
      from ${rows} as line
    )`;
}

function onlyIn(one: "actual" | "expected", other: "actual" | "expected"): Sql {
  return sql`(
    select coalesce(pg_catalog.json_agg(one.shown), '[]')
    from ${id(`_dataform_${one}`)} as one
    where not exists (
      select from ${id(`_dataform_${other}`)} as other
      where other.content = one.content and other.copy = one.copy
    )
  )`;
}

/** JSON has one value for a name: the others would not be compared. */
function namesTwiceIn(rows: Identifier): Sql {
  return sql`
    select name
    from (select pg_catalog.row_to_json(line.*) as content from ${rows} as line limit 1) as first
    cross join pg_catalog.json_object_keys(first.content) as name
    group by name
    having pg_catalog.count(*) > 1`;
}

function oneNameTwice({ file }: UnitTest, names: readonly string[]): UserError {
  return new UserError({
    message: "rows of the test have columns of one name",
    location: { file },
    expected: "a name of its own for each column, of the model and of the expected rows",
    found: names.map((name) => `"${name}" more than once`).join(", "),
    hint: 'give each column its own alias: … as "name"',
    exitCode: 1,
  });
}
