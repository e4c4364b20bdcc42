import type { Client } from "../postgres/client.ts";
import { backToSavepoint, openSavepoint } from "../postgres/savepoint.ts";
import { id } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { lookUp } from "../sql/session.ts";
import { join, type Sql, sql } from "../sql/sql.ts";
import { NoTree, readTree, type Tree } from "./tree/read-tree.ts";

/** A query, or a statement that changes rows, as it can be sent. */
export interface Question {
  readonly statement: Sql;
  /** What must be there first. It is taken back with what the question makes. */
  readonly before?: readonly Sql[];
}

/** A question that becomes a view of this name in `pg_temp`, where others can read it. */
export interface ViewQuestion extends Question {
  readonly view: string;
  /** Only its columns are asked for. */
  readonly withoutTree?: boolean;
}

/** A savepoint that stands as long as the transaction. */
const SAVEPOINT = "lineage";

/** Works in a transaction that is rolled back. */
export async function rolledBack<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.script(join([sql`begin`, ...client.eachTransaction], ";\n"));
  try {
    await openSavepoint(client, SAVEPOINT);
    return await work();
  } finally {
    await client.query(sql`rollback`).catch(() => {});
  }
}

/**
 * The analysed tree of each statement: the body of an SQL function is kept as one (`begin atomic`), of any number of statements.
 * Such a function costs a third of a view.
 */
export async function askForTrees(client: Client, questions: readonly Question[]): Promise<Tree[]> {
  const name = id("pg_temp", "lineage");
  const bodies = questions.map(({ statement }) => sql`${statement};`);
  const make = sql`create or replace function ${name}() returns void language sql begin atomic ${join(bodies, "\n")} end`;
  const kept = sql`select prosqlbody::text as tree from pg_proc where oid = to_regprocedure('pg_temp.lineage()')::oid`;
  const rows = await send(client, [...before(questions), make], kept);
  const [statements] = listIn(readTree(rows[0]?.tree ?? ""));
  return [...listIn(statements)];
}

/** The same of queries that become views; and the oid of each. */
export async function askByViews(
  client: Client,
  questions: readonly ViewQuestion[],
): Promise<readonly { readonly tree: Tree; readonly oid: string }[]> {
  const make = questions.map(({ view, statement }) => sql`create view ${id("pg_temp", view)} as ${statement}`);
  const names = questions.map(({ view }) => literal(view));
  const whole = questions.filter(({ withoutTree }) => !withoutTree).map(({ view }) => literal(view));
  const rows = await send(
    client,
    [...before(questions), ...make],
    sql`
      select c.relname as name, c.oid, case when c.relname = any(array[${join(whole, ", ")}]::name[]) then w.ev_action::text end as tree
      from pg_class as c
      join pg_rewrite as w
        on w.ev_class = c.oid
      where c.relnamespace = pg_my_temp_schema() and c.relname = any(array[${join(names, ", ")}])`,
  );
  const found = new Map(
    rows.map(({ name, oid, tree }) => [name, { tree: tree == null ? null : treeOfRule(tree), oid: oid! }]),
  );
  return questions.map(({ view }) => found.get(view)!);
}

/** Makes views that only have columns. */
export async function makeViews(client: Client, views: readonly ViewQuestion[]): Promise<void> {
  const make = views.map(({ view, statement }) => sql`create view ${id("pg_temp", view)} as ${statement}`);
  if (make.length) await send(client, make, sql`select 1`);
}

/** The query of a rule as the catalogue has it. */
export function treeOfRule(action: string): Tree {
  return listIn(readTree(action))[0] ?? null;
}

/** Takes back what was made since the last question that stays. */
export async function takeBack(client: Client): Promise<void> {
  await backToSavepoint(client, SAVEPOINT);
}

function before(questions: readonly Question[]): Sql[] {
  return questions.flatMap((one) => one.before ?? []);
}

/** Sends the statements and then a question of ours, whose rows come back. */
async function send(client: Client, statements: readonly Sql[], question: Sql) {
  const message = [...statements, lookUp("ours"), question, lookUp(client.names)];
  const results = await client.script(join(message, ";\n"));
  return results[statements.length + 1]!.rows;
}

/** Keeps what was made. */
export async function keep(client: Client): Promise<void> {
  await client.script(sql`release savepoint ${id(SAVEPOINT)}; savepoint ${id(SAVEPOINT)}`);
}

/** What a person is told of a question that has no answer. */
export function reasonOf(error: unknown): string {
  if (error instanceof RangeError) return "it is nested too deeply";
  if (error instanceof NoTree) return `the server's tree of it cannot be read: ${error.message}`;
  return (error as Error).message;
}

function listIn(tree: Tree | undefined): readonly Tree[] {
  return Array.isArray(tree) ? tree : [];
}
