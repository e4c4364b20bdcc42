import type { UserErrorDetails } from "../model/errors.ts";
import type { CompiledGraph, Incremental } from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import { classify } from "../sql/classify.ts";
import { effectOn } from "../sql/effects.ts";
import { placeOf } from "../sql/locate.ts";
import { plainReferences } from "../sql/references.ts";
import { splitScript } from "../sql/split.ts";
import { meaningful } from "../sql/tokens.ts";
import { readSource } from "./source.ts";

/**
 * The graph, its incremental models with why each cannot be built: one whose statements change the table in a way that would be
 * seen before the audits. Everything else in the project can be built.
 */
export function withRefusals(graph: CompiledGraph, projectDir: string): CompiledGraph {
  const actions = graph.actions.map((action) => {
    const refused = action.kind === "incremental" ? refusalOf(action, graph, projectDir) : undefined;
    return refused ? { ...action, refused } : action;
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

function statementsOf(block: Statement["block"], texts: readonly string[]): Statement[] {
  return texts.flatMap((whole) => splitScript(whole).map((piece) => ({ block, whole, ...piece })));
}

function refusalOf(model: Incremental, graph: CompiledGraph, projectDir: string): UserErrorDetails | undefined {
  const { target, file } = model;
  const before = statementsOf("pre_operations", model.incrementalPreOperations);
  const behind = statementsOf("post_operations", model.incrementalPostOperations);
  const change = before.find(({ text }) => /^(?:shape|change|hidden)$/.test(effectOn(text, target)));
  const late = lateDelete(behind, model);
  const found = change ?? late;
  if (!found) return undefined;
  const read = (name: string) => readSource(projectDir, name).replaceAll("\r\n", "\n");
  const offset = found.start + (meaningful(found.text)[0]?.start ?? 0);
  return {
    message: `${targetKey(target)}: ${found === late ? LATE : "pre_operations of an incremental model may read self() and delete from it, not change it otherwise"}`,
    ...placeOf(graph.traces, read, file, found.whole, offset),
    found: plainReferences(found.text.trim()),
    hint: found === late ? "put it before the others" : adviceOn(found.text, target),
  };
}

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
  if (command === "delete") return "write delete from ${self()} where …, without returning, in a statement of its own";
  return "let the query give the rows, with uniqueKey where they replace others; delete from ${self()} where … takes rows away";
}
