import type { IndexOptions, Model, Trace, TracePiece } from "../model/graph.ts";
import { type ConfigPath, offsetOfText } from "./config-text.ts";

/** Where the SQL in the block of a model stands in its file. What JavaScript made stands nowhere. */
export function blockTraces({ file, postgres }: Model, read: (file: string) => string): readonly Trace[] {
  const { indexes, guard } = postgres;
  // Not checked yet.
  const listed: readonly Partial<IndexOptions>[] = Array.isArray(indexes) ? indexes.filter(isObject) : [];
  const texts: (readonly [path: ConfigPath, text: unknown])[] = listed.flatMap(({ columns, where }, index) => [
    ...(Array.isArray(columns) ? columns.map((text, at) => [["indexes", index, "columns", at], text] as const) : []),
    [["indexes", index, "where"], where] as const,
  ]);
  if (isObject(guard)) texts.push([["guard", "where"], guard.where], [["guard", "keep"], guard.keep]);
  return texts.flatMap(([path, text]) =>
    typeof text === "string" && text.trim()
      ? {
          file,
          inConfig: true,
          text: text.trim(),
          // Looked for where something is wrong, and not for each of a thousand models.
          get pieces() {
            return piecesIn(read(file).replaceAll("\r\n", "\n"), file, ["postgres", ...path], text);
          },
        }
      : [],
  );
}

function piecesIn(source: string, file: string, path: ConfigPath, text: string): readonly TracePiece[] {
  const words = text.trim();
  const at = offsetOfText(source, file, path, text);
  return at === undefined ? [] : [[words.length, at + text.indexOf(words), 0]];
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
