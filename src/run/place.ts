import type { SourceLocation } from "../model/errors.ts";
import type { Action, CompiledGraph, Trace } from "../model/graph.ts";
import type { AuditStep, Statement } from "../model/plan.ts";
import type { StepError } from "../model/report.ts";
import { type PostgresError, SQLSTATE } from "../postgres/sqlstate.ts";
import { placeOf, positionAt } from "../sql/locate.ts";
import { joinStatements, statementAt } from "../sql/message.ts";
import { meaningful } from "../sql/tokens.ts";

/** Reads a file of the project, for the line numbers of messages; "" when there is none. */
export type ReadSource = (file: string) => string;

/** What places in the author's files are found by. */
export interface Sources {
  readonly read: ReadSource;
  readonly traces: readonly Trace[];
  /** What relations the project knows. */
  readonly actions: readonly Action[];
}

/** The sources of a graph. Without a way to read files, messages have no lines. */
export function sourcesOf(graph: CompiledGraph | undefined, read: ReadSource = () => ""): Sources {
  return {
    read: (file) => read(file).replaceAll("\r\n", "\n"),
    traces: graph?.traces ?? [],
    actions: graph?.actions ?? [],
  };
}

export function inFile(file: string | undefined): Pick<StepError, "location"> {
  return file === undefined ? {} : { location: { file } };
}

export function place(
  failure: PostgresError,
  file: string | undefined,
  statements: readonly Statement[],
  { read, traces }: Sources,
): Pick<StepError, "location" | "snippet"> {
  const named = failure.position === undefined ? namedColumn(failure, statements) : undefined;
  if (named) return placeOf(traces, read, named.file, named.text, 0);
  const at =
    failure.position === undefined
      ? failedStatement(failure, statements)
      : statementAt(statements, afterCharacters(joinStatements(statements).toString(), failure.position - 1));
  const origin = at?.statement.origins?.findLast(({ start }) => start <= at.offset);
  if (!at || !origin) return inFile(file);
  return placeOf(traces, read, origin.file, origin.text, Math.min(at.offset - origin.start, origin.text.length));
}

/**
 * The beginning of what an author wrote in the statement that failed without saying where. What only fails in the commit
 * comes from the one statement that was sent, if there is one.
 */
function failedStatement(
  { completed = 0 }: PostgresError,
  statements: readonly Statement[],
): ReturnType<typeof statementAt> {
  const own = statements.filter(({ role }) => role !== "begin" && role !== "commit");
  const failed = statements[completed];
  const statement = failed?.origins ? failed : failed?.role === "commit" && own.length === 1 ? own[0] : undefined;
  const [origin] = statement?.origins ?? [];
  if (!statement || !origin) return undefined;
  return { statement, offset: origin.start + spaceBefore(origin.text) };
}

/** White space and comments before what means something. */
function spaceBefore(text: string): number {
  return meaningful(text)[0]?.start ?? 0;
}

/** What an author wrote that names the column which is not there: what makes an index says it without a place. */
function namedColumn({ message, code, completed = 0 }: PostgresError, statements: readonly Statement[]) {
  const name = code === SQLSTATE.undefinedColumn ? /column "(.+)" does not exist/.exec(message)?.[1] : undefined;
  if (name === undefined) return undefined;
  const { origins = [] } = statements[completed] ?? {};
  return origins.find(({ text }) => text === name || text.startsWith(`${name} `));
}

/** Where an author's text begins. */
export function placeOfText(
  file: string,
  text: string,
  { read, traces }: Pick<Sources, "read" | "traces">,
): SourceLocation {
  return placeOf(traces, read, file, text, spaceBefore(text)).location;
}

/** Where an audit stands in the project: its query, or what asks for it in the config of a model. */
export function placeOfAudit({ file, statement, askedBy }: AuditStep, { read, traces }: Sources): SourceLocation {
  const [origin] = statement.origins ?? [];
  if (origin && askedBy === undefined) return placeOfText(origin.file, origin.text, { read, traces });
  const source = read(file);
  const at = askedBy === undefined ? -1 : source.indexOf(askedBy);
  return at < 0 ? { file } : { file, ...positionAt(source, at) };
}

/** The offset after so many characters, of which JavaScript counts some as two. */
function afterCharacters(text: string, count: number): number {
  let offset = 0;
  for (let left = count; left > 0 && offset < text.length; left--) offset += text.codePointAt(offset)! > 0xffff ? 2 : 1;
  return offset;
}
