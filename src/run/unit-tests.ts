import type { ConnectionSettings } from "../model/connection.ts";
import type { CompiledGraph, UnitTest } from "../model/graph.ts";
import type { Statement } from "../model/plan.ts";
import type { StepError } from "../model/report.ts";
import { type Client, withClient } from "../postgres/client.ts";
import { resolveReferences } from "../sql/references.ts";
import { explainFailure, type ReadSource } from "./explain.ts";

/** The outcome of the project's `type: "test"` actions. */
export interface UnitTestReport {
  readonly version: 1;
  readonly tests: readonly UnitTestResult[];
}

export interface UnitTestResult {
  readonly name: string;
  readonly file: string;
  readonly passed: boolean;
  /** Rows that were expected and did not come, as JSON. */
  readonly missing: readonly unknown[];
  /** Rows that came and were not expected. */
  readonly unexpected: readonly unknown[];
  readonly error?: StepError;
}

/**
 * Runs every unit test in a read-only transaction: the model's query over the given inputs must return the
 * expected rows, in any order, each as often as expected.
 */
export async function runUnitTests(
  graph: CompiledGraph,
  settings: ConnectionSettings,
  options: { readonly readSource?: ReadSource } = {},
): Promise<UnitTestReport> {
  const readSource = options.readSource ?? (() => "");
  if (!graph.tests.length) return { version: 1, tests: [] };
  return withClient(settings, { applicationName: "dataform-test", duty: "builder" }, async (client) => {
    const tests: UnitTestResult[] = [];
    for (const test of graph.tests) tests.push(await runUnitTest(test, client, readSource));
    return { version: 1, tests };
  });
}

async function runUnitTest(test: UnitTest, client: Client, readSource: ReadSource): Promise<UnitTestResult> {
  const base = { name: test.name, file: test.file };
  const statement = comparison(test);
  try {
    await client.query("begin transaction read only");
    const { rows } = await client.query<{ missing: string; unexpected: string }>(statement.sql);
    const missing = JSON.parse(rows[0]!.missing) as unknown[];
    const unexpected = JSON.parse(rows[0]!.unexpected) as unknown[];
    return { ...base, passed: !missing.length && !unexpected.length, missing, unexpected };
  } catch (error) {
    return {
      ...base,
      passed: false,
      missing: [],
      unexpected: [],
      error: explainFailure(error, test.file, [statement], readSource),
    };
  } finally {
    await client.query("rollback").catch(() => {});
  }
}

/**
 * Each input is a common table expression under the name of what it stands for. Rows are compared as JSON, so that a
 * literal without a type in the expectation meets the type of the model.
 */
function comparison(test: UnitTest): Statement {
  const statement = new Composition("with ");
  for (const [index, input] of test.inputs.entries()) statement.add(`input_${index} as (\n`, input, "),\n");
  statement.add("actual_rows as (\n", test.query, "),\n");
  statement.add("expected_rows as (\n", test.expected, ")\n");
  const difference = (left: string, right: string) =>
    `(select coalesce(jsonb_agg(d.r), '[]') from (select to_jsonb(l) as r from ${left} l except all select to_jsonb(x) from ${right} x) d)`;
  return statement.finish(
    test.file,
    `select ${difference("expected_rows", "actual_rows")} as missing, ${difference("actual_rows", "expected_rows")} as unexpected`,
  );
}

/** SQL put together from the author's texts, remembering where each stands. */
class Composition {
  #sql: string;
  readonly #texts: { readonly start: number; readonly text: string }[] = [];

  constructor(head: string) {
    this.#sql = head;
  }

  add(before: string, text: string, after: string): void {
    const resolved = resolveReferences(text, (target) => ({ sql: `input_${target.schema}`, renamed: true }));
    this.#texts.push({ start: this.#sql.length + before.length, text: resolved });
    this.#sql += `${before}${resolved}\n${after}`;
  }

  finish(file: string, tail: string): Statement {
    return { sql: this.#sql + tail, origins: this.#texts.map((origin) => ({ file, ...origin })) };
  }
}
