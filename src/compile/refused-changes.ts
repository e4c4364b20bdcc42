import type { UserErrorDetails } from "../model/errors.ts";
import { type Action, type CompiledGraph, type Incremental, isModel, type Model } from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import { classify } from "../sql/classify.ts";
import { effectOn, takesAway } from "../sql/effects.ts";
import { placeOf } from "../sql/locate.ts";
import { plainReferences } from "../sql/references.ts";
import { splitScript } from "../sql/split.ts";
import { meaningful } from "../sql/tokens.ts";
import { readLines } from "./source.ts";
import { textsOf } from "./texts.ts";

/**
 * The graph, its models with why each cannot be built: one whose statements cannot stand in the transaction that builds it, or
 * take away what it makes, or change the table of an incremental model in a way that would be seen before the audits. Everything
 * else can be built.
 */
export function withRefusals(graph: CompiledGraph, projectDir: string): CompiledGraph {
  const actions = graph.actions.map((action) => {
    const found = isModel(action) ? (outsideOf(action) ?? takenOf(action) ?? changeOf(action)) : undefined;
    return found ? { ...action, refused: refusal(action, found, graph, projectDir) } : action;
  });
  return { ...graph, actions };
}

interface Statement {
  readonly block: "pre_operations" | "post_operations";
  /** The text it is a part of, as compiled. */
  readonly whole: string;
  readonly text: string;
  readonly start: number;
}

/** What cannot be done, and what to do. */
interface Found {
  readonly statement: Statement;
  readonly message: string;
  readonly hint: string;
}

function statementsOf(block: Statement["block"], texts: readonly string[]): Statement[] {
  return texts.flatMap((whole) => splitScript(whole).map((piece) => ({ block, whole, ...piece })));
}

function refusal(
  { target, file }: Action,
  { statement, message, hint }: Found,
  graph: CompiledGraph,
  projectDir: string,
): UserErrorDetails {
  const read = (name: string) => readLines(projectDir, name);
  const begins = meaningful(statement.text)[0]?.start ?? 0;
  return {
    message: `${targetKey(target)}: ${message}`,
    ...placeOf(graph.traces, read, file, statement.whole, statement.start + begins),
    found: plainReferences(statement.text.slice(begins).trim()),
    hint,
  };
}

function operationsOf(model: Model): Statement[] {
  const { preOperations, postOperations } = textsOf(model);
  return [...statementsOf("pre_operations", preOperations), ...statementsOf("post_operations", postOperations)];
}

/** Pre- and post_operations run in the transaction that builds the model, or in the one that publishes it. */
function outsideOf(model: Model): Found | undefined {
  const statement = operationsOf(model).find(({ text }) => classify(text).transaction !== "inside");
  if (!statement) return undefined;
  const { command } = classify(statement.text);
  return {
    statement,
    message: `${statement.block} run in the transaction that builds the model: ${command} cannot be among them`,
    hint: adviceOutside(statement.text),
  };
}

function adviceOutside(statement: string): string {
  const { command, transaction } = classify(statement);
  if (transaction === "control") return "leave it out: the transaction is ended once all is well";
  if (command === "vacuum")
    return "leave it out: a run analyzes what it builds, and a new table has nothing to vacuum; autovacuum does the rest";
  if (/^(?:create index|drop index|reindex)$/.test(command) && /\bconcurrently\b/i.test(statement))
    return "leave concurrently out: nobody reads the table before it is published";
  return 'put it into a file of its own: config { type: "operations", dependencies: […] }';
}

/** What a run makes, it publishes, keeps to go back to, and collects. */
function takenOf(model: Model): Found | undefined {
  const statement = operationsOf(model).find(
    ({ block, text }) => takesAway(text, model.target) && !(block === "pre_operations" && dropsNothing(text, model)),
  );
  if (!statement) return undefined;
  const { command } = classify(statement.text);
  return {
    statement,
    message: `${statement.block} cannot take away what the run makes: ${command} of self(), or of its schema`,
    hint: adviceOnTaken(command, model),
  };
}

/** `drop … if exists` of self() before there is one, as other tools need it. */
function dropsNothing(text: string, { kind, target }: Model): boolean {
  const { command, changes } = classify(text);
  const isWritten = changes.some(([schema, name]) => schema === target.schema && name === target.name);
  if (command === "drop schema") return false;
  return kind !== "incremental" && command.startsWith("drop ") && /\bif\s+exists\b/i.test(text) && !isWritten;
}

function adviceOnTaken(command: string, { kind }: Model): string {
  if (command.endsWith(" schema")) return "leave it out: what is published stands in that schema";
  if (command.startsWith("alter ")) return "name it in its config: name, schema";
  if (command.startsWith("create ")) return "leave it out: the run makes it of the query";
  return kind === "incremental"
    ? "leave it out; `--full-refresh` makes it anew, and a model whose file is gone is retired by `dataform retire`"
    : "leave it out: each run makes it anew, aside, and the one before goes by itself";
}

function changeOf(model: Model): Found | undefined {
  if (model.kind !== "incremental") return undefined;
  const before = statementsOf("pre_operations", model.incrementalPreOperations);
  const statement = before.find(({ text }) => /^(?:shape|change|hidden)$/.test(effectOn(text, model.target)));
  if (statement) return { statement, message: CHANGED, hint: adviceOn(statement.text, model.target) };
  const late = lateDelete(statementsOf("post_operations", model.incrementalPostOperations), model);
  return late && { statement: late, message: LATE, hint: "put it before the others" };
}

const CHANGED = "pre_operations of an incremental model may read self() and delete from it, not change it otherwise";

const LATE = "a delete from self() in post_operations comes after statements that read or change self()";

/** A delete of post_operations is done with the new rows, before the audits; what else is there, when the release is published. */
function lateDelete(statements: readonly Statement[], { target }: Incremental): Statement | undefined {
  const first = statements.findIndex(({ text }) => /^(?:read|change|hidden)$/.test(effectOn(text, target)));
  return first < 0 ? undefined : statements.slice(first).find(({ text }) => effectOn(text, target) === "delete");
}

function adviceOn(statement: string, target: Target): string {
  if (effectOn(statement, target) === "hidden")
    return "read or delete in a statement of its own: nobody looks into a body";
  const { command } = classify(statement);
  if (command === "truncate") return "write delete from ${self()}, without a where";
  if (/^(?:create|alter|drop) /.test(command)) return "put it into post_operations";
  if (command === "delete")
    return "write delete from ${self()} where …, by columns and without returning, in a statement of its own";
  return "let the query give the rows, with uniqueKey where they replace others; delete from ${self()} where … takes rows away";
}
