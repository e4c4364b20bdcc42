import { relative } from "node:path";
import { ingestFiles } from "./ingest-files.ts";
import { readYaml } from "./yaml.ts";

/**
 * Where the rows of each landed table come from, by `schema.table`, as it is written: variables by their names, so that no
 * secret is in it. Of files that can be read; what is wrong with the others is told when the project is compiled.
 */
export function originsOf(projectDir: string): ReadonlyMap<string, string> {
  const origins = new Map<string, string>();
  for (const path of ingestFiles(projectDir)) {
    const written = readWritten(path, projectDir);
    const { schema = "raw", streams } = written ?? {};
    if (!written || !Array.isArray(streams)) continue;
    for (const stream of streams as readonly (Written | null)[]) {
      const origin = stream && originOf(written, stream);
      if (!origin || typeof stream.table !== "string") continue;
      const key = `${String(schema)}.${stream.table}`;
      const known = origins.get(key);
      origins.set(key, known ? `${known}; ${origin}` : origin);
    }
  }
  return origins;
}

type Written = Readonly<Record<string, unknown>>;

function readWritten(path: string, projectDir: string): Written | undefined {
  try {
    const { value } = readYaml(path, relative(projectDir, path) || path);
    return value !== null && typeof value === "object" ? (value as Written) : undefined;
  } catch {
    return undefined;
  }
}

/** One of the kinds of sources, by the key that each has. */
function originOf(source: Written, stream: Written): string | undefined {
  const text = (of: unknown, key: string): string => {
    const value = (of as Written | null | undefined)?.[key];
    return typeof value === "string" ? value : "";
  };
  if (source.rest) return text(source.rest, "baseUrl") + text(stream, "path");
  if (source.soap) return `${text(source.soap, "baseUrl")}${text(stream, "path")} (SOAP)`;
  if (source.files)
    return [text(source.files, "at").replace(/\/$/, ""), text(stream, "files")].filter(Boolean).join("/");
  if (source.kafka) return `topic ${[stream.topic].flat().join(", ")} of ${text(source.kafka, "brokers")}`;
  // The address of a database may hold its password.
  if (source.sql)
    return stream.from ? `table ${text(stream, "from")} of another database` : "a query of another database";
  return undefined;
}
