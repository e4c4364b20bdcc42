import { UserError } from "../model/errors.ts";
import type { SourcePage } from "../sources/source.ts";
import { ColumnFacts, PLAIN } from "./column.ts";
import { noRecords } from "./csv-file.ts";
import type { InferredField, InferredRecords } from "./inferred.ts";
import { recordsWithin } from "./json-shape.ts";
import { verdictOf } from "./verdict.ts";

type Kind = "string" | "number" | "boolean" | "object" | "array";

/** What is seen of one field of records that have values of their own. */
interface FieldFacts {
  /** Of the values that are no null, as JSON. */
  readonly kinds: Set<Kind>;
  readonly facts: ColumnFacts;
  values: number;
  /** Where its values have records of their own: `lines`, `cart.lines`. */
  inside?: string | undefined;
}

const MAX_FIELDS = 1590;

/** Finds the fields of records by all of them, or the first `sample`. */
export async function inferValues(
  name: string,
  format: string,
  pages: AsyncIterable<SourcePage>,
  options: Readonly<Record<string, unknown>>,
  sample = Number.POSITIVE_INFINITY,
): Promise<InferredRecords> {
  const fields = new Map<string, FieldFacts>();
  let rows = 0;
  let isWhole = true;
  let rejected = 0;
  for await (const page of pages) {
    rejected += page.rejected?.length ?? 0;
    for (const { value, fieldText } of page.records.map(withText)) {
      rows++;
      for (const [key, one] of Object.entries(value)) addValue(fields, key, one, fieldText(key));
    }
    if (rows < sample) continue;
    isWhole = false;
    break;
  }
  if (!rows) throw noRecords(name);
  if (fields.size > MAX_FIELDS)
    throw new UserError({
      message: `the records of ${name} have ${fields.size} fields, more than a table has columns`,
      hint: "what is one record may be an object of records: json.records says where the list is",
    });
  // Only lists of JSON files can be read so.
  const outer = format === "json" && options.shape === undefined ? String(options.records ?? "") : undefined;
  const unsure = rejected ? [`${rejected} of the records cannot be read and will be rejected`] : [];
  return {
    format,
    options,
    fields: [...fields].map(([key, facts]) => fieldOf(key, facts, rows, outer)),
    rows,
    isWhole,
    unsure,
  };
}

function withText(record: SourcePage["records"][number]) {
  return { value: record.value as Record<string, unknown>, fieldText: (name: string) => record.fieldText(name) };
}

function addValue(fields: Map<string, FieldFacts>, name: string, value: unknown, text: string | undefined): void {
  let field = fields.get(name);
  if (!field) {
    field = { kinds: new Set(), facts: new ColumnFacts(), values: 0 };
    fields.set(name, field);
  }
  if (value === null || value === undefined) return;
  field.values++;
  const kind = Array.isArray(value) ? "array" : (typeof value as Kind | "bigint");
  field.kinds.add(kind === "bigint" ? "number" : kind);
  field.inside ??= recordsWithin(name, value);
  // A text is none of the marks for NULL: JSON has a null of its own.
  if (kind === "string") field.facts.add(value as string, true);
  else if (kind === "number" || kind === "bigint") field.facts.add(text ?? String(value), true);
}

/** @param outer where the records are that have the field, if those in them can be read by a path */
function fieldOf(name: string, found: FieldFacts, rows: number, outer: string | undefined): InferredField {
  const { kinds, facts, values, inside } = found;
  const { property, unsure = stays(inside, outer) } = propertyOf(kinds, facts);
  const isKey =
    values === rows &&
    facts.isUnique &&
    kinds.size === 1 &&
    !("postgresType" in property) &&
    property.type !== "number";
  return {
    name,
    written: name,
    property: isKey ? property : nullable(property),
    examples: facts.examples,
    isKey,
    ...(unsure ? { unsure } : {}),
  };
}

function stays(inside: string | undefined, outer: string | undefined): string | undefined {
  if (inside === undefined) return undefined;
  const rows =
    outer === undefined ? "" : `; records: "${outer}[].${inside}[]" with parent makes rows of them, in another stream`;
  return `records within the record stay in one jsonb${rows}`;
}

function nullable(property: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return property.type === undefined ? property : { ...property, type: [property.type, "null"].flat() };
}

function propertyOf(
  kinds: ReadonlySet<Kind>,
  facts: ColumnFacts,
): { readonly property: Readonly<Record<string, unknown>>; readonly unsure?: string } {
  const [kind, other] = kinds;
  if (kind === undefined)
    return { property: { type: "string" }, unsure: "always null: a text, until it is known better" };
  if (other !== undefined) {
    const words = [...kinds].join(" and ");
    if (kinds.has("object") || kinds.has("array"))
      return { property: { postgresType: "jsonb" }, unsure: `jsonb, for it is now ${words}` };
    return { property: { type: [...kinds], postgresType: "text" }, unsure: `a text, for it is now ${words}` };
  }
  if (kind !== "string" && kind !== "number") return { property: { type: kind } };
  if (kind === "number") {
    const isWhole = facts.isWhole && facts.fitsBigint;
    return { property: { type: isWhole ? "integer" : "number" } };
  }
  return textProperty(facts);
}

/** A text of JSON is a number only where it is sure to be money: it could have been a number. */
function textProperty(facts: ColumnFacts): ReturnType<typeof propertyOf> {
  const { property, kind, unsure, dates } = verdictOf(facts, PLAIN, {});
  if (dates !== undefined)
    return {
      property: { type: "string" },
      unsure: `a text: ${facts.examples[0]} is a date as ${dates}, which a model can read with to_date`,
    };
  if (kind === "other" && property.type === "string") return { property, ...(unsure ? { unsure } : {}) };
  if (kind === "number" && !facts.isWhole && !facts.hasExponent && facts.quotedEmpty === 0)
    return {
      property: { type: "string", postgresType: "numeric" },
      unsure: `numeric, for the texts are numbers (${facts.marked})`,
    };
  return { property: { type: "string" }, ...(kind === "text" && unsure && facts.texts ? { unsure } : {}) };
}
