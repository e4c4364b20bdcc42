import { UserError } from "../model/errors.ts";
import type { Action, CompiledGraph } from "../model/graph.ts";
import { targetKey } from "../model/target.ts";
import { type ClientStream, streamOf } from "../sql/classify.ts";
import { placeOf } from "../sql/locate.ts";
import { plainReferences } from "../sql/references.ts";
import { splitScript } from "../sql/split.ts";
import { meaningful } from "../sql/tokens.ts";
import { readLines } from "./source.ts";
import { textsOf } from "./texts.ts";

/** Why it is refused, and what to do. */
const ABOUT: Readonly<Record<ClientStream, readonly [reason: string, hint: string]>> = {
  "copy … from stdin": [
    "a run has no rows to send",
    "a file is landed by `dataform ingest`, and a small one is a CSV in seeds/; copy … from 'file' reads one that the server has",
  ],
  "copy … to stdout": [
    "a run takes no rows",
    "`dataform export` writes rows to a file; copy … to 'file' leaves one with the server",
  ],
};

/** A run has no rows to send to a statement, and nobody to hand its rows to. */
export function checkStreams(graph: CompiledGraph, projectDir: string): UserError[] {
  return graph.actions.flatMap((action) => {
    const { preOperations, postOperations, statements } = textsOf(action);
    // Most have none.
    const texts = [...preOperations, ...postOperations, ...statements].filter((text) => /\bcopy\b/i.test(text));
    return texts.flatMap((whole) => streamsIn(action, whole, graph, projectDir));
  });
}

function streamsIn({ target, file }: Action, whole: string, graph: CompiledGraph, projectDir: string): UserError[] {
  return splitScript(whole).flatMap(({ text, start }) => {
    const stream = streamOf(text);
    if (!stream) return [];
    const read = (name: string) => readLines(projectDir, name);
    const begins = meaningful(text)[0]!.start;
    const [reason, hint] = ABOUT[stream];
    return [
      new UserError({
        message: `${targetKey(target)}: ${stream}: ${reason}`,
        ...placeOf(graph.traces, read, file, whole, start + begins),
        found: plainReferences(text.slice(begins).trim()),
        hint,
      }),
    ];
  });
}
