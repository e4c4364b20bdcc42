import type { IndexOptions, Model, Trace, TracePiece } from "../model/graph.ts";
import { type ConfigPath, offsetOfText } from "./config-text.ts";

interface Written {
  readonly model: Model;
  readonly path: ConfigPath;
  readonly text: string;
}

/** Where the SQL and the columns in the configs of models stand in their files. What JavaScript made stands nowhere. */
export function blockTraces(models: readonly Model[], read: (file: string) => string): readonly Trace[] {
  const byText = new Map<string, Written[]>();
  for (const model of models)
    for (const [path, text] of textsIn(model)) {
      if (typeof text !== "string" || !text.trim()) continue;
      const key = JSON.stringify([model.file, text.trim()]);
      const same = byText.get(key) ?? [];
      byText.set(key, same);
      // Of one model that says it twice, the first place serves.
      if (!same.some((one) => one.model === model)) same.push({ model, path, text });
    }
  return [...byText.values()].map((same) => traceOf(same, read));
}

function textsIn(model: Model): readonly (readonly [path: ConfigPath, text: unknown])[] {
  const { indexes, guard } = model.postgres;
  // Not checked yet.
  const listed: readonly Partial<IndexOptions>[] = Array.isArray(indexes) ? indexes.filter(isObject) : [];
  return [
    ...listed.flatMap(({ columns, include, where }, index) => [
      ...each(["postgres", "indexes", index, "columns"], columns),
      ...each(["postgres", "indexes", index, "include"], include),
      [["postgres", "indexes", index, "where"], where] as const,
    ]),
    ...(["where", "keep"] as const).flatMap((key) =>
      isObject(guard) ? [[["postgres", "guard", key], guard[key]] as const] : [],
    ),
    ...(model.kind === "incremental" ? each(["uniqueKey"], model.uniqueKey) : []),
  ];
}

function traceOf([first, ...others]: readonly Written[], read: (file: string) => string): Trace {
  const { file } = first!.model;
  // Looked for where something is wrong, and not for each of a thousand models.
  const places = (some: readonly Written[]) =>
    some.map((one) => piecesIn(read(file).replaceAll("\r\n", "\n"), one)).filter((pieces) => pieces.length);
  return {
    file,
    inConfig: true,
    text: first!.text.trim(),
    get pieces() {
      return places([first!, ...others])[0] ?? [];
    },
    get elsewhere() {
      return places([first!, ...others]).slice(1);
    },
  };
}

function each(path: ConfigPath, list: unknown): (readonly [path: ConfigPath, text: unknown])[] {
  return Array.isArray(list) ? list.map((text, at) => [[...path, at], text]) : [];
}

function piecesIn(source: string, { model, path, text }: Written): readonly TracePiece[] {
  const words = text.trim();
  const at = offsetOfText(source, { file: model.file, name: model.target.name }, path, text);
  return at === undefined ? [] : [[words.length, at + text.indexOf(words), 0]];
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
