import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { keyOf } from "../../infer/declaration.ts";
import { type Inference, infer } from "../../infer/infer.ts";
import type { InferredField } from "../../infer/inferred.ts";
import { counted } from "../../model/counted.ts";
import { DATE_FORMATS, dateFormatMistake } from "../../model/date-format.ts";
import { UserError } from "../../model/errors.ts";
import { paint } from "../paint.ts";
import type { Shell } from "../shell.ts";
import { textTable } from "../show/table.ts";
import { cut } from "../show/width.ts";

export interface InferFlags {
  readonly from?: string;
  readonly source?: string;
  readonly stream?: string;
  readonly table?: string;
  readonly sample?: number;
  readonly null?: readonly string[];
  readonly dates?: readonly string[];
  readonly decimal?: string;
  readonly thousands?: string;
  readonly sheet?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Declares the stream, or with --dry-run prints what would be declared. */
export async function inferStream(shell: Shell, what: string, flags: InferFlags): Promise<void> {
  const { from, source, stream, table, sample, force, dryRun, json } = flags;
  const { null: nulls, dates, decimal, thousands } = flags;
  const sheet = flags.sheet !== undefined && /^\d+$/.test(flags.sheet) ? Number(flags.sheet) : flags.sheet;
  for (const format of dates ?? []) checkFormat(format);
  const given = { from, source, stream, table, sample, force };
  const hints = Object.fromEntries(
    Object.entries({ nulls, dates, decimal, thousands, sheet }).filter(([, value]) => value),
  );
  const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const { projectDir, env } = shell;
  const found = await infer({ projectDir, env, what, hints, ...options });
  if (!dryRun) {
    const path = join(projectDir, found.file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, found.text);
  }
  if (json) shell.print(JSON.stringify(reportOf(found, dryRun !== true)));
  else if (dryRun) shell.print(found.text.trimEnd());
  for (const line of linesOf(shell, found, dryRun === true)) shell.say(line);
}

function checkFormat(format: string): void {
  const mistake = dateFormatMistake(format);
  if (mistake === undefined) return;
  throw new UserError({
    message: `--dates cannot be read: ${mistake}`,
    expected: DATE_FORMATS,
    found: format,
  });
}

function reportOf({ file, source, stream, table, records }: Inference, written: boolean): object {
  const { format, options, fields, rows, isWhole, unsure } = records;
  return {
    version: 1,
    file,
    written,
    source,
    stream,
    table,
    format,
    options,
    key: keyOf(records) ?? null,
    rows,
    isWhole,
    fields,
    unsure,
  };
}

function linesOf(shell: Shell, { file, source, stream, records }: Inference, dryRun: boolean): readonly string[] {
  const { fields, rows, isWhole, options, format, unsure } = records;
  const key = keyOf(records);
  const rowsText = rows ? `, by ${isWhole ? "all" : "the first"} ${counted(rows, "row")}` : "";
  const doubt = (text: string) => `${paint(shell, "yellow", "unsure")} ${text}`;
  return [
    `${file}: ${dryRun ? "would declare" : "declares"} ${source}.${stream}, ${counted(fields.length, "field")}${rowsText}`,
    "",
    textTable(["field", "type", "such as"], fields.map(rowOf), { width: shell.width?.stderr, cutEnd: ["such as"] }),
    "",
    ...(Object.keys(options).length ? [`${format}: ${JSON.stringify(options)}`] : []),
    ...(key === undefined ? [] : [`required: ${key}, which every row has, each with another value`]),
    ...unsure.map(doubt),
    ...fields.flatMap((field) => (field.unsure ? [doubt(`${field.name}: ${field.unsure}`)] : [])),
    ...(dryRun ? [] : [`next: look at ${file}, then dataform ingest ${source}.${stream}`]),
  ];
}

function rowOf({ name, property, examples }: InferredField): readonly string[] {
  const { type, format, postgresType } = property as Readonly<Record<string, string | readonly string[] | undefined>>;
  const types = [type ?? []].flat().filter((one) => one !== "null");
  return [name, String(postgresType ?? format ?? types.join(" or ")), cut(examples.join(", "), 60)];
}
