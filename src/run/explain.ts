import { type SourceLocation, UserError } from "../model/errors.ts";
import { ownValue } from "../model/own-value.ts";
import type { AuditStep, BuildStep, Statement } from "../model/plan.ts";
import type { StepError } from "../model/report.ts";
import { targetKey } from "../model/target.ts";
import { ourNameTwice } from "../plan/our-names.ts";
import { messageOf } from "../postgres/send.ts";
import { advice, onlyReads, type PostgresError, postgresError, SQLSTATE } from "../postgres/sqlstate.ts";
import { snippetAt } from "../sql/locate.ts";
import { isAnswer } from "../sql/readings.ts";
import { missingColumn, missingRelation } from "./missing-relation.ts";
import { inFile, place, type Sources } from "./place.ts";

/**
 * A failure as data for the report, with the place in the author's file where it is known.
 * @param file what is named without that; none where it may be any of several
 * @param statements of the message that failed, where `send` did not send it
 */
export function explainFailure(
  error: unknown,
  file: string | undefined,
  sources: Sources,
  statements: readonly Statement[] = messageOf(error),
): StepError {
  if (error instanceof UserError) return userError(error);
  const failure = postgresError(error);
  if (!failure) return { message: reasonOf(error), ...inFile(file) };
  const where = place(failure, file, statements, sources);
  const isMissing = failure.code === SQLSTATE.undefinedTable && !isMisnamedAlias(failure);
  const missing = isMissing && isReference(where.location, sources);
  const hint = isMissing
    ? missingRelation(failure.message, sources.actions)
    : failure.code === SQLSTATE.undefinedColumn
      ? missingColumn(failure.message, file, sources.actions)
      : undefined;
  const known = hint ? { hint } : missing ? NOT_THERE : {};
  return { ...explainPostgres(failure), ...known, code: failure.code, ...where };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === "AbortError" ? "the run was cancelled" : error.message;
}

/** SQLSTATE 42P01 means a name of no relation in FROM, too; only the server's function tells them apart. */
function isMisnamedAlias({ code, routine = "" }: PostgresError): boolean {
  return code === SQLSTATE.undefinedTable && ["errorMissingRTE", "transformLockingClause"].includes(routine);
}

/** The same of a step that builds a model: where the server says that a column is there twice, one may be ours. */
export function explainBuild(error: unknown, step: Built, sources: Sources): StepError {
  const explained = explainFailure(ourName(error, step) ?? error, step.file, sources);
  return {
    ...explained,
    ...notYetMade(error, step),
    ...notInTable(error, step, explained),
    ...cellOfSeed(error, step.file, sources),
  };
}

/** The same of an assertion, or of a dashboard or an API: there a column is what a YAML names. */
export function explainAudit(
  error: unknown,
  step: Pick<AuditStep, "kind" | "file">,
  sources: Sources,
  statements?: readonly Statement[],
): StepError {
  const failed = explainFailure(error, step.file, sources, statements);
  const hint = onlyReads(failed.code);
  const explained = hint ? { ...failed, hint } : failed;
  if (step.kind === "api") return { ...explained, ...ofApi(explained) };
  return step.kind === "dashboard" ? { ...explained, ...ofDashboard(explained) } : explained;
}

/** What its checks refuse, and how a person says it. */
function ofDashboard({ message, hint, snippet }: StepError): Partial<StepError> {
  const noNumber = /operator does not exist: @ (.+)$/.exec(message)?.[1];
  if (noNumber !== undefined)
    return {
      message: `a figure is a number, and this column is of type ${noNumber}`,
      expected: "a column of a type of numbers",
      found: noNumber,
      hint: "name it in x or series, or make a number of it in a model",
    };
  const noDay = /function pg_catalog\.age\((.+)\) does not exist/.exec(message)?.[1];
  if (noDay !== undefined)
    return {
      message: `a filter of dates needs a date or a timestamp, and its column is of type ${noDay}`,
      expected: "a column of type date, timestamp or timestamptz",
      found: noDay,
      hint: "let the filter offer values: all, or name a column of days",
    };
  const meant = /"panel\.([^"]+)"/.exec(hint ?? "")?.[1];
  const column = /column (?:panel\.)?(.+) does not exist/.exec(message)?.[1];
  const asked = column?.replaceAll('"', "");
  if (asked === undefined) return {};
  const isFilter = snippet !== undefined && !snippet.includes(asked);
  const said = isFilter
    ? { message: `the panel has no column ${asked}, by which a filter filters` }
    : { message: `the panel has no column ${asked}` };
  const advice = meant ? `did you mean ${meant}?` : "write it as what the panel reads calls it";
  return {
    ...said,
    expected: "a column of what the panel reads",
    found: asked,
    hint: isFilter ? "say which filters apply to it: filters: [ … ]" : advice,
  };
}

/** What the checks of endpoints refuse, and how a person says it. */
function ofApi({ message, hint }: StepError): Partial<StepError> {
  const column = /column (?:answer\.)?(.+) does not exist/.exec(message)?.[1]?.replaceAll('"', "");
  if (column !== undefined) {
    const meant = /"answer\.([^"]+)"/.exec(hint ?? "")?.[1];
    return { message: `the relation has no column ${column}`, ...(meant ? { hint: `did you mean ${meant}?` } : {}) };
  }
  const noText = /operator does not exist: (.+) ~~ unknown$/.exec(message)?.[1];
  if (noText !== undefined)
    return {
      message: `only texts start with or contain something, and this column is of type ${noText}`,
      hint: "compare it with another operator: =, <, in …",
    };
  const unordered = /could not identify an? (?:ordering|equality) operator for type (.+)$/.exec(message)?.[1];
  const uncompared = /operator does not exist: (.+?) (?:=|<>|<=?|>=?) /.exec(message)?.[1];
  const type = unordered ?? uncompared;
  if (type === undefined) return {};
  return {
    message: `values of type ${type} cannot be ${unordered ? "sorted" : "compared"} like that`,
    hint: "name another column, or make a value of it in a model that can",
  };
}

/** A seed says of each value that it reads where it stands; what it is called then is its place, and the rest. */
function cellOfSeed(error: unknown, file: string, { read }: Sources): Partial<StepError> {
  const failure = postgresError(error);
  if (!failure || !isAnswer(failure.where) || !failure.message.startsWith(`${file}:`)) return {};
  const [, line, message] = /^:(\d+): (.*)$/s.exec(failure.message.slice(file.length)) ?? [];
  if (message === undefined) return {};
  const hint = `correct it, or give the column another type in ${file.replace(/csv$/i, "yaml")}: types`;
  const text = read(file);
  const offset = text.split("\n", Number(line) - 1).reduce((sum, one) => sum + one.length + 1, 0);
  return { message, location: { file, line: Number(line) }, snippet: snippetAt(text, offset), hint };
}

/** What a first run makes is not there for what comes before its query. */
function notYetMade(error: unknown, { target, entry }: Built): Partial<StepError> {
  const failure = postgresError(error);
  const own = entry ? [entry.object, entry.storage?.table] : [];
  if (failure?.code !== SQLSTATE.undefinedTable || !own.some((name) => failure.message.includes(`"_dataform.${name}"`)))
    return {};
  const key = targetKey(target);
  if (isMade(failure, messageOf(error)))
    return {
      message: `${key}: what the run made of it is gone before the run was done`,
      hint: "leave out of post_operations what drops or renames self(), also what a body or a function does",
    };
  return entry?.kind === "incremental"
    ? {
        message: `${key}: self() is not there before the query of a first run`,
        hint: "write ${when(incremental(), `…`)} around it",
      }
    : {
        message: `${key}: self() is not there before its query, which makes it anew in each run`,
        hint: "put it into post_operations",
      };
}

/** The query of a run that adds rows reads what the table of the runs before may not have. */
function notInTable(error: unknown, { target, newRows }: Built, { hint }: StepError): Partial<StepError> {
  const failure = postgresError(error);
  if (!newRows || failure?.code !== SQLSTATE.undefinedColumn) return {};
  const [failed] = messageOf(error).slice(failure.completed ?? 0);
  if (!failed?.sql.includes(newRows.self)) return {};
  const key = targetKey(target);
  const ours = `self() has the columns of the runs before: another postgres: { version } makes the table anew with the next run, as run --full-refresh --actions ${key} does`;
  return { hint: hint === undefined ? ours : `${hint}; ${ours}` };
}

function isMade({ completed = 0 }: PostgresError, statements: readonly Statement[]): boolean {
  return statements.slice(0, completed).some(({ role }) => role === "rows" || role === "shape");
}

type Built = Pick<BuildStep, "target" | "file"> & Partial<Pick<BuildStep, "entry" | "newRows">>;

/** The refusal of a column's name, where that is what a failure comes from. */
export function ourName(error: unknown, step: Pick<BuildStep, "target" | "file">): UserError | undefined {
  const failure = postgresError(error);
  return failure?.code === SQLSTATE.duplicateColumn ? ourNameTwice(step, failure.message) : undefined;
}

const NOT_THERE = { hint: "the action of that name has not made it" };

/** Whether what the author wrote there is `${ref(…)}`: core has found what it means. */
function isReference(location: SourceLocation | undefined, { read }: Sources): boolean {
  if (location?.line === undefined || location.column === undefined) return false;
  const line = read(location.file).split("\n")[location.line - 1] ?? "";
  return line.slice(location.column - 1).startsWith("${");
}

function userError({ message, location, expected, found, hint, snippet, code }: UserError): StepError {
  const given = { location, expected, found, hint, snippet, code };
  return { message, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

/** What more can be said of a model than of any statement. */
const ADVICE: Readonly<Record<string, string>> = {
  [SQLSTATE.undefinedTable]:
    'write ${ref("name")} so that it is built first; what is made elsewhere must be there before',
  [SQLSTATE.wrongObjectType]:
    "where a table is expected: a view model is a view, and ref() of an incremental one, too; foreign keys can point at models of type table",
  [SQLSTATE.uniqueViolation]: "the rows are not unique: see the detail, and correct the key or the query",
};

/** Alone it stands in quotes; behind the relation that it is of, it does not. */
const NO_COLUMN = /column (?:"([^"]+)"|[^".]+\.(.+) does not exist)/;

/** A query that says CustId without quotes makes a column custid; a config that says a + b means a column. */
function misnamed(message: string, code: string): string | undefined {
  const [, alone, behind] = (code === SQLSTATE.undefinedColumn ? NO_COLUMN.exec(message) : null) ?? [];
  const name = alone ?? behind;
  if (name === undefined) return undefined;
  if (/[-+*/:=<>|]/.test(name)) return `in a config an expression stands in parentheses: (${name})`;
  if (name === name.toLowerCase()) return undefined;
  return `without quotes ${name} is ${name.toLowerCase()} in a query: write that, or "${name}" in the query`;
}

const MISNAMED_ALIAS = "use the alias that the relation has in FROM, and only where FROM has made it known";

/** What a packaged function refuses: it can only say so in a text that it has the server read as a number. */
const REFUSAL = /"((?:(?:ours|theirs): )?column .+|loads: .+)"$/s;

function explainPostgres(failure: PostgresError): Pick<StepError, "message" | "found" | "hint"> {
  const { code, detail } = failure;
  const refusal = code === SQLSTATE.invalidTextRepresentation ? REFUSAL.exec(failure.message)?.[1] : undefined;
  const message = refusal ?? failure.message;
  const ofModels = isMisnamedAlias(failure) ? MISNAMED_ALIAS : ownValue(ADVICE, code);
  const hint = failure.hint ?? misnamed(message, code) ?? ofModels ?? advice(failure);
  return { message, ...(detail ? { found: detail } : {}), ...(hint ? { hint } : {}) };
}
