import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import type { Environment } from "../config/environment.ts";
import { ingestOf } from "../config/load-ingest.ts";
import { schemaLine } from "../config/published.ts";
import { columnNameMistake } from "../config/record-schema.ts";
import { parseYaml } from "../config/yaml.ts";
import type { FileStream, IngestDeclaration, SqlDeclaration, SqlStream } from "../model/declarations.ts";
import { UserError } from "../model/errors.ts";
import { percentDecoded } from "../model/percent.ts";
import { type InferredStream, withStream } from "./declaration.ts";
import { inferFiles } from "./files.ts";
import type { InferredRecords } from "./inferred.ts";
import { nameOf, streamNameOf } from "./names.ts";
import { inferTable } from "./table.ts";
import type { Hints } from "./verdict.ts";

interface InferOptions {
  readonly projectDir: string;
  readonly env: Environment;
  /** A file, a pattern of files, an address of one, or with `from` a table. */
  readonly what: string;
  /** The environment variable with the address of the PostgreSQL that has the table. */
  readonly from?: string;
  readonly source?: string;
  readonly stream?: string;
  readonly table?: string;
  /** Looks at so many rows only. */
  readonly sample?: number;
  /** Whether a stream of that name may be declared anew. */
  readonly force?: boolean;
  readonly hints: Hints;
}

export interface Inference {
  /** The declaration's path, relative to the project, and its text with the new stream. */
  readonly file: string;
  readonly text: string;
  readonly source: string;
  readonly stream: string;
  readonly table: string;
  readonly records: InferredRecords;
}

/** Where records are, before anybody looked at them. */
type Origin = Pick<InferredStream, "connector" | "from"> & { readonly name: string };

/** Finds out what a source holds, and how it is to be declared. Writes nothing. */
export async function infer(options: InferOptions): Promise<Inference> {
  const { projectDir, env, what, from, force = false } = options;
  const origin = from === undefined ? originOfFiles(projectDir, what) : originOfTable(what, from);
  const stream = nameFor("--stream", options.stream ?? origin.name);
  const source = nameFor(
    "--source",
    options.source ?? (from === undefined ? stream : nameOf(from.replace(/_?(?:DATABASE_)?URL$/i, "")) || stream),
  );
  const table = nameFor("--table", options.table ?? stream);
  const file = join("ingest", `${source}.yaml`);
  const path = join(projectDir, file);
  if (!existsSync(path) && existsSync(path.replace(/yaml$/, "yml")))
    throw new UserError({
      message: `the source "${source}" is declared in ${file.replace(/yaml$/, "yml")}`,
      hint: `rename it to ${file}`,
    });
  const before = existsSync(path) ? readFileSync(path, "utf8") : undefined;
  const load = (text: string): IngestDeclaration => ingestOf(parseYaml(text, file), dirname(path), { projectDir, env });
  const declared = (records: InferredRecords) =>
    withStream(before, file, { source, stream, table, connector: origin.connector, from: origin.from, records }, force);
  // What cannot be declared is said before the source is read; and a source is read as its declaration says.
  const empty = {
    format: from === undefined ? "json" : "sql",
    options: {},
    fields: [],
    rows: 0,
    isWhole: true,
    unsure: [],
  };
  const { connector, streams } = load(declared(empty));
  const read = streams.find(({ name }) => name === stream)!.connector;
  const records = withoutOthers(
    connector.kind === "files"
      ? await inferFiles(connector, read as FileStream, options.hints, options.sample)
      : await inferTable(connector as SqlDeclaration, read as SqlStream),
  );
  const text = `${before === undefined ? schemaLine("ingest", file, projectDir) : ""}${declared(records)}`;
  load(text);
  const told = unheardHints(options.hints, records.format);
  return { file, text, source, stream, table, records: { ...records, unsure: [...records.unsure, ...told] } };
}

const CELLS = ["csv", "xlsx"];
/** The flag of each hint, and the formats that it is of. */
const HINTS: Readonly<Record<keyof Hints, { readonly flag: string; readonly formats: readonly string[] }>> = {
  nulls: { flag: "--null", formats: CELLS },
  dates: { flag: "--dates", formats: CELLS },
  decimal: { flag: "--decimal", formats: CELLS },
  thousands: { flag: "--thousands", formats: CELLS },
  sheet: { flag: "--sheet", formats: ["xlsx"] },
};

function unheardHints(hints: Hints, format: string): readonly string[] {
  return (Object.keys(hints) as (keyof Hints)[]).flatMap((hint) => {
    const { flag, formats } = HINTS[hint];
    return formats.includes(format) ? [] : [`${flag} is of ${formats.join(" and ")}, and does nothing for ${format}`];
  });
}

/** Without the fields that can have no column of their name. */
function withoutOthers(records: InferredRecords): InferredRecords {
  const told = records.fields.flatMap(({ name }) => {
    const mistake = columnNameMistake(name);
    return mistake ? [`${mistake.message}: the field is left out, and kept in _extra`] : [];
  });
  const fields = records.fields.filter(({ name }) => !columnNameMistake(name));
  return told.length ? { ...records, fields, unsure: [...records.unsure, ...told] } : records;
}

function nameFor(flag: string, name: string): string {
  if (/^[a-z_][a-z0-9_]{0,50}$/.test(name)) return name;
  throw new UserError({
    message: name === "" ? "there is no name to make one of" : `"${name}" is no name for it`,
    expected: `${flag} with lower-case letters, digits and _, at most 51`,
  });
}

function originOfFiles(projectDir: string, what: string): Origin {
  const { at, name } = /^[a-z][a-z0-9+.-]+:\/\//i.test(what) ? splitAddress(what) : splitPath(projectDir, what);
  return { name: streamNameOf(name), connector: ["files", { at }], from: { files: name } };
}

function splitAddress(address: string): { at: string; name: string } {
  if (/^(?:postgres(?:ql)?|mysql|mariadb|sqlserver|mssql):/i.test(address))
    throw new UserError({
      message: "the address of a database holds its password, and stands in the environment",
      expected:
        "a table and the variable with the address: dataform ingest infer public.orders --from SHOP_DATABASE_URL",
      hint: "write SHOP_DATABASE_URL=postgresql://… into .env",
    });
  const end = address.lastIndexOf("/");
  const last = address.slice(end + 1);
  const name = percentDecoded(last) ?? last;
  if (/[?#]/.test(name) || name === "" || end < address.indexOf("://") + 3)
    throw new UserError({
      message: "the address is not that of a file",
      expected: "such as https://host/folder/orders.csv, without ? and #",
      hint: "an API is declared by hand: docs/sources/rest.md",
    });
  return { at: address.slice(0, end), name };
}

function splitPath(projectDir: string, what: string): { at: string; name: string } {
  const path = resolve(projectDir, what);
  const here = relative(projectDir, path);
  // Beside the project, too, a relative path goes with it; one that was written whole stays so.
  const shown = (isAbsolute(what) && here.startsWith("..") ? path : here).replaceAll("\\", "/");
  // The folder is what comes before the first pattern.
  const parts = shown.split("/");
  const first = existsSync(path) ? -1 : parts.findIndex((part) => /[*?[{]/.test(part));
  const cut = first === -1 ? parts.length - 1 : first;
  const name = parts.slice(cut).join("/");
  return {
    at: parts.slice(0, cut).join("/") || (shown.startsWith("/") ? "/" : "."),
    name: existsSync(path) ? literalGlob(name) : name,
  };
}

/** The pattern that a file's own name is. */
function literalGlob(name: string): string {
  return name.replace(/[*?[{}]/g, (character) => `[${character}]`);
}

function originOfTable(what: string, variable: string): Origin {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable))
    throw new UserError({
      message: "--from is the name of an environment variable, for an address with its password stands nowhere else",
      expected: "such as --from SHOP_DATABASE_URL",
      hint: "write SHOP_DATABASE_URL=postgresql://… into .env",
    });
  return {
    name: streamNameOf(basename(what.split(".").at(-1)!)),
    connector: ["sql", { url: `\${${variable}}` }],
    from: { from: what },
  };
}
