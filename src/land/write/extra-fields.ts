import type { FormatOptions } from "../../model/declarations.ts";
import type { Client } from "../../postgres/client.ts";
import { CsvTexts } from "../../sources/formats/csv/texts.ts";
import { recordOfText } from "../../sources/formats/xlsx/record.ts";
import { JsonRecord, parseJson, type SourceRecord } from "../../sources/json/document.ts";
import { id, relationId } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { createChecker, type RecordChecker } from "../check/checker.ts";
import { ReasonCounts } from "../ledger/reason-counts.ts";
import type { RawTable } from "../table/raw-table.ts";
import { LOADING_SESSION, typeOf } from "../table/server-types.ts";
import { isRefusal } from "../table/views-on.ts";
import type { Alias, Aliases } from "./aliases.ts";
import { copyRows } from "./copy-rows.ts";
import { beginLanding, endLanding, undoLanding } from "./landing.ts";
import { RowBatch } from "./row-batch.ts";

// Fields that lie in `_extra` since the schema did not know them, and have a column now. What they hold is judged as a load
// judges it, and gathered in a table beside; then the rows take it in one go. A value that does not fit stays where it is.

const ROWS_AT_ONCE = 5000;

/** Fields to be filled, and where they are. */
export interface ExtraFields {
  readonly table: RawTable;
  readonly fields: readonly string[];
  /** Loads whose rows may have them. */
  readonly loads: readonly string[];
  /** How their file is written, where they are of one. */
  readonly format?: FormatOptions | undefined;
  /** What of a load lies under another name than the field's. */
  readonly aliases: Aliases;
}

/** What was found of them, judged. */
export interface GatheredFields {
  readonly fields: readonly string[];
  readonly aliases: Aliases;
  readonly beside: RawTable;
  /** Fields that some rows have without the others, which do not fit. */
  readonly alone: ReadonlySet<string>;
  readonly rows: number;
  /** Why values stay in `_extra`. */
  readonly refused: ReasonCounts;
}

/** A row's number, and its fields as a JSON object. */
interface Found {
  readonly rowNo: number;
  readonly text: string;
}

/** Loads with rows that have one of the fields in `_extra`. Reads the table. */
export async function loadsWithFields(
  client: Client,
  table: RawTable,
  fields: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await client.query<{ load_id: string }>(
    sql`select distinct _load_id as load_id from ${relationId(table)} where _extra ?| $1 order by load_id`,
    [fields],
  );
  return rows.map(({ load_id }) => load_id);
}

/** Within the transaction that takes them then. Undefined where no row has one. */
export async function gatherFields(client: Client, wanted: ExtraFields): Promise<GatheredFields | undefined> {
  if (!wanted.loads.length) return undefined;
  const beside = tableBeside(client, wanted);
  const { columns } = beside.recordSchema;
  await client.script(sql`
    ${LOADING_SESSION};
    create unlogged table ${relationId(beside)} (
      ${[sql`_load_id bigint`, sql`_row_no bigint`, ...columns.map((column) => sql`${id(column.name)} ${typeOf(column)}`), sql`_extra jsonb`]}
    )`);
  const gathering: Gathering = {
    ...{ client, wanted, beside },
    check: createChecker(beside.recordSchema),
    alone: new Set<string>(),
    refused: new ReasonCounts(),
  };
  let rows = 0;
  for (const loadId of wanted.loads) rows += await gatherLoad(gathering, loadId);
  const { alone, refused } = gathering;
  return { fields: wanted.fields, aliases: wanted.aliases, beside, alone, rows, refused };
}

/**
 * Gives the gathered fields to the rows that have them. The table has their columns now. Returns why no row takes them: others'
 * triggers say no, or a publication that the table has no key for.
 */
export async function takeFields(
  client: Client,
  table: RawTable,
  { beside, alone, aliases }: GatheredFields,
): Promise<string | undefined> {
  const names = beside.recordSchema.columns.map(({ name }) => name);
  const take = (fields: readonly string[], which: Sql) => sql`
    update ${relationId(table)} as t
    set
      ${fields.map((name) => sql`${id(name)} = coalesce(g.${id(name)}, t.${id(name)})`)},
      _extra = nullif(t._extra - array[${join(fields.map(literal), ", ")}]::text[], '{}')
    from ${relationId(beside)} as g
    where t._load_id = g._load_id and t._row_no = g._row_no and ${which}`;
  const updates = [
    sql`analyze ${relationId(beside)}`,
    ...[...aliases].map(([load, spelled]) => rename(table, load, spelled)),
    take(names, sql`g._extra is null`),
    ...[...alone].map((name) => take([name], sql`g._extra = to_jsonb(${literal(name)}::text)`)),
  ];
  await beginLanding(client);
  const refusal = await client.script(join(updates, ";\n")).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (refusal !== undefined && !isRefusal(refusal)) throw refusal;
  await (refusal ? undoLanding(client) : endLanding(client));
  await client.query(sql`drop table ${relationId(beside)}`);
  return refusal?.message;
}

/** Gives the keys of a load's rows the names of their fields, so that what does not fit has that name, too. */
function rename(table: RawTable, loadId: string, aliases: readonly Alias[]): Sql {
  const keys = sql`array[${join(
    aliases.map(({ key }) => literal(key)),
    ", ",
  )}]::text[]`;
  return sql`
    update ${relationId(table)}
    set _extra = (_extra - ${keys}) || (
      select jsonb_object_agg(a.field, _extra -> a.key)
      from ${namedBy(aliases)}
      where _extra ? a.key
    )
    where _load_id = ${literal(BigInt(loadId))} and _extra ?| ${keys}`;
}

/** As a relation, `a`; of no alias a row that matches none. */
function namedBy(aliases: readonly Alias[]): Sql {
  const list = aliases.map(({ key, field }) => sql`(${literal(key)}, ${literal(field)})`);
  return sql`(values ${join(list.length ? list : [sql`(null, null)`], ", ")}) as a(key, field)`;
}

interface Gathering {
  readonly client: Client;
  readonly wanted: ExtraFields;
  readonly beside: RawTable;
  readonly check: RecordChecker;
  readonly alone: Set<string>;
  readonly refused: ReasonCounts;
}

/** Called by the session, as others may fill tables of the same schema. Of the schema what says something of one field. */
function tableBeside({ processId }: Client, { table, fields }: ExtraFields): RawTable {
  const { schema, file, columns } = table.recordSchema;
  const { $schema, $defs, definitions, properties } = schema as Record<string, unknown>;
  const own = Object.entries(properties as object).filter(([name]) => fields.includes(name));
  const given = Object.entries({ $schema, $defs, definitions }).filter(([, value]) => value !== undefined);
  return {
    schema: table.schema,
    name: `_fill_${processId}`,
    recordSchema: {
      file,
      schema: { ...Object.fromEntries(given), type: "object", properties: Object.fromEntries(own) },
      columns: columns.filter(({ name }) => fields.includes(name)),
    },
  };
}

/** The rows of a load that have one of the fields, and these of them. */
function rowsOf({ table, fields, aliases }: ExtraFields, loadId: string): Sql {
  const spelled = aliases.get(loadId) ?? [];
  const named = sql`array[${join(fields.map(literal), ", ")}]::text[]`;
  const keys = sql`array[${join([...fields, ...spelled.map(({ key }) => key)].map(literal), ", ")}]::text[]`;
  return sql`
    select _row_no, (
      select jsonb_object_agg(coalesce(a.field, e.key), e.value)
      from jsonb_each(_extra) as e
      left join ${namedBy(spelled)} on a.key = e.key
      where coalesce(a.field, e.key) = any (${named})
    )::text as found
    from ${relationId(table)}
    where _load_id = ${literal(BigInt(loadId))} and _extra ?| ${keys}`;
}

/** Returns how many rows have a field that fits. */
async function gatherLoad(gathering: Gathering, loadId: string): Promise<number> {
  const { client, wanted } = gathering;
  await client.query(sql`declare found no scroll cursor for ${rowsOf(wanted, loadId)}`);
  let count = 0;
  for (;;) {
    const { rows } = await client.query<Record<"_row_no" | "found", string>>(
      sql`fetch ${literal(BigInt(ROWS_AT_ONCE))} from found`,
    );
    if (!rows.length) break;
    const found = rows.map(({ _row_no, found: text }) => ({ rowNo: Number(_row_no), text }));
    const wrong: Found[] = [];
    await gather(gathering, loadId, found, (row) => wrong.push(row));
    count += found.length - wrong.length + (await gatherAlone(gathering, loadId, wrong));
  }
  await client.query(sql`close found`);
  return count;
}

/** Of rows whose fields do not all fit, those that do, each alone. Returns how many rows have one. */
async function gatherAlone(gathering: Gathering, loadId: string, wrong: readonly Found[]): Promise<number> {
  const { wanted, alone, refused } = gathering;
  const fit = new Set<number>();
  for (const field of wanted.fields) {
    const single = wrong.flatMap((row) => onlyField(row, field));
    const still = new Set<number>();
    await gather({ ...gathering, mark: JSON.stringify(field) }, loadId, single, ({ rowNo }, reason) => {
      still.add(rowNo);
      refused.add(reason);
    });
    const taken = single.filter(({ rowNo }) => !still.has(rowNo));
    if (taken.length) alone.add(field);
    for (const { rowNo } of taken) fit.add(rowNo);
  }
  return fit.size;
}

/** @param gathering with a mark where the rows have one field alone */
async function gather(
  { client, wanted, beside, check, mark = null }: Gathering & { readonly mark?: string | null },
  loadId: string,
  found: readonly Found[],
  refuse: (row: Found, reason: string) => void,
): Promise<void> {
  const batch = new RowBatch([]);
  for (const { rowNo, text } of found) {
    const { record, problem } = recordOf(text, wanted);
    const checked = problem === undefined ? check(record, text) : { reasons: [problem] };
    if ("cells" in checked) batch.add(rowNo, { position: "" }, [...checked.cells.slice(0, -1), mark], text);
    else refuse({ rowNo, text }, checked.reasons.join("; "));
  }
  await copyRows({ client, table: beside, loadId }, batch, ({ rowNo, text, reason }) =>
    refuse({ rowNo, text }, reason),
  );
}

function onlyField({ rowNo, text }: Found, field: string): Found[] {
  const value = parseJson(text).source.fields().get(field)?.text;
  return value === undefined ? [] : [{ rowNo, text: `{${JSON.stringify(field)}: ${value}}` }];
}

function recordOf(
  text: string,
  { format, table }: ExtraFields,
): { record: SourceRecord; problem?: string | undefined } {
  const document = parseJson(text);
  const asJson = new JsonRecord(document, document.value, document.source);
  const found = document.value as Readonly<Record<string, string>>;
  if (format?.kind === "csv") {
    const record = new CsvTexts(found, format, table.recordSchema);
    return { record, problem: record.problem };
  }
  if (format?.kind !== "xlsx") return { record: asJson };
  const record = recordOfText(text, format, table.recordSchema);
  return "problem" in record ? { record: asJson, problem: record.problem } : { record };
}
