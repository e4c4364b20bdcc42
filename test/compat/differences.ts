import { isDeepStrictEqual } from "node:util";
import type { Answer, DataformAction, DataformGraph, Relation, Told } from "./answer.ts";

/** One thing that two answers say differently. */
export interface Difference {
  /** In words that docs/compatibility.md lists: `graph tables shop.orders query`, `step 2 state shop.orders rows`. */
  readonly where: string;
  readonly dataform: unknown;
  readonly ours: unknown;
}

/** What Dataform says, and this program says otherwise. What it says besides is no difference. */
export function differences(dataform: Answer, ours: Answer): readonly Difference[] {
  const checks = new Set((dataform.graph.assertions ?? []).map(({ target }) => `${target.schema}.${target.name}`));
  return [
    ...graphDifferences(plainly(dataform.graph), plainly(ours.graph)),
    ...dataform.steps.flatMap((told, at) => stepDifferences(`step ${at + 1}`, told, ours.steps[at]!, checks)),
  ];
}

function* unlike(where: string, dataform: unknown, ours: unknown): Generator<Difference> {
  if (!isDeepStrictEqual(dataform, ours)) yield { where, dataform, ours };
}

const LISTS = ["tables", "operations", "assertions", "declarations"] as const;

function graphDifferences(dataform: DataformGraph, ours: DataformGraph): readonly Difference[] {
  const names = (graph: DataformGraph) => (graph.tests ?? []).map(({ name }) => name).sort();
  return [
    ...LISTS.flatMap((list) => listDifferences(`graph ${list}`, dataform[list] ?? [], ours[list] ?? [])),
    ...unlike("graph tests", names(dataform), names(ours)),
    ...valueDifferences("graph projectConfig", dataform.projectConfig ?? {}, ours.projectConfig ?? {}),
    ...unlike("graph errors", faultyFiles(dataform), faultyFiles(ours)),
  ];
}

function listDifferences(where: string, dataform: readonly DataformAction[], ours: readonly DataformAction[]) {
  const byName = (list: readonly DataformAction[]) =>
    new Map(list.map((action) => [`${action.target.schema}.${action.target.name}`, action]));
  const [theirs, own] = [byName(dataform), byName(ours)];
  return [...new Set([...theirs.keys(), ...own.keys()])].flatMap((name): readonly Difference[] => {
    const [there, here] = [theirs.get(name), own.get(name)];
    if (there && here) return valueDifferences(`${where} ${name}`, there, here);
    return [{ where: `${where} ${name}`, dataform: there && "there", ours: here && "there" }];
  });
}

function valueDifferences(where: string, dataform: object, ours: object): readonly Difference[] {
  return Object.entries(dataform).flatMap(([key, value]) => [
    ...unlike(`${where} ${key}`, value, (ours as Record<string, unknown>)[key]),
  ]);
}

function faultyFiles({ graphErrors }: DataformGraph): readonly string[] {
  return [...new Set((graphErrors?.compilationErrors ?? []).map(({ fileName = "" }) => fileName))].sort();
}

function stepDifferences(
  where: string,
  dataform: Told,
  ours: Told,
  checks: ReadonlySet<string>,
): readonly Difference[] {
  const keys = (some: object = {}, others: object = {}) => [...new Set([...Object.keys(some), ...Object.keys(others)])];
  const each = (what: "actions" | "tests") =>
    keys(dataform[what], ours[what]).flatMap((name) => [
      ...unlike(`${where} ${what} ${name}`, dataform[what]?.[name], ours[what]?.[name]),
    ]);
  return [
    ...unlike(`${where} exit code`, dataform.exitCode, ours.exitCode),
    ...each("actions"),
    ...each("tests"),
    ...keys(dataform.state, ours.state)
      // An assertion is a view there, and none here.
      .filter((name) => !checks.has(name))
      .flatMap((name) => relationDifferences(`${where} state ${name}`, dataform.state?.[name], ours.state?.[name])),
  ];
}

function relationDifferences(where: string, dataform: Relation | undefined, ours: Relation | undefined) {
  if (!dataform || !ours) return [...unlike(where, dataform && "there", ours && "there")];
  return [
    ...unlike(`${where} comment`, dataform.comment, ours.comment),
    ...unlike(`${where} columns`, dataform.columns, ours.columns),
    ...unlike(`${where} rows`, dataform.rows, ours.rows),
  ];
}

/** Names as PostgreSQL has them, without the project of BigQuery. */
function plainly<Value>(value: Value): Value {
  if (typeof value === "string") return value.replaceAll(/`compat\.([^.`]+)\.([^`]+)`/g, '"$1"."$2"') as Value;
  if (Array.isArray(value)) return value.map(plainly) as Value;
  if (typeof value !== "object" || value === null) return value;
  const said = Object.entries(value).filter(([key, one]) => !(key === "database" && (one === "compat" || one === "")));
  return Object.fromEntries(said.map(([key, one]) => [key, plainly(one)])) as Value;
}
