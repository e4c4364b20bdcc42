import type { RawColumn } from "../../model/declarations.ts";
import { type Client, withNames } from "../../postgres/client.ts";
import { id, ids, relationId } from "../../sql/identifiers.ts";
import { dollarQuoted, literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { holdsJson } from "../check/field-types.ts";
import type { RawTable } from "../table/raw-table.ts";
import { typeAnywhere } from "../table/server-types.ts";
import { CELL_STATES, ROW_STATES, serverReason } from "./reasons.ts";
import type { Place, Rejection } from "./row-batch.ts";

/** A row that only the server can judge. */
export interface FallbackRow {
  readonly rowNo: number;
  readonly place: Place;
  readonly text: string;
  readonly cells: readonly (string | null)[];
}

/** Where rows of a load go. */
export interface RowTarget {
  readonly client: Client;
  readonly table: RawTable;
  readonly loadId: string;
}

/** Few enough that one bad row does not cost many good ones the quick way. */
const ROWS_PER_BLOCK = 250;
const SETTING = literal("dataform.refused");

/** A row's place among those sent, and what the server says of its columns, or of none of them. */
type Refusal = readonly [number, readonly (readonly [string | null, string])[]];

/**
 * Inserts rows in blocks that go on after a bad one: a message for hundreds, not three for each. Returns those that the
 * server refused, in its words. Needs no right to make temporary tables.
 */
export async function insertRowByRow(
  { client, table, loadId }: RowTarget,
  columns: readonly RawColumn[],
  rows: readonly FallbackRow[],
): Promise<readonly Rejection[]> {
  const refused: Rejection[] = [];
  const statements = statementsOf(table, columns, loadId);
  for (let from = 0; from < rows.length; from += ROWS_PER_BLOCK) {
    const some = rows.slice(from, from + ROWS_PER_BLOCK);
    await withNames(client, "theirs", () => client.query(block(statements, dataOf(columns, some))));
    const { rows: answer } = await client.query<{ refused: string }>(
      sql`select current_setting(${SETTING}) as refused`,
    );
    for (const [index, faults] of JSON.parse(answer[0]!.refused) as Refusal[]) {
      const { rowNo, place, text } = some[index]!;
      const reasons = faults.map(([column, said]) => serverReason(column, said));
      refused.push({ rowNo, ...place, reason: reasons.join("; "), text });
    }
  }
  return refused;
}

interface Statements {
  /** Inserts the rows of a list of JSON, which `given` is. */
  insert(given: Sql): Sql;
  /** For each column that not every text fits, its cell of the row `one.value`, read as inserting does. */
  readonly checks: readonly { readonly column: string; readonly check: Sql }[];
}

/**
 * A cell of JSON text becomes its column by the type's input function with the column's length, as a literal in an insert
 * does: `jsonb_to_recordset` does that. A cast would cut.
 */
function statementsOf(table: RawTable, columns: readonly RawColumn[], loadId: string): Statements {
  // Of a text for a column of JSON the function would make a string of JSON; a cast has no length to cut to there.
  const read = (column: RawColumn) => (holdsJson(column) ? sql`pg_catalog.text` : typeAnywhere(column));
  const cell = (column: RawColumn) =>
    holdsJson(column) ? sql`r.${id(column.name)}::${typeAnywhere(column)}` : sql`r.${id(column.name)}`;
  const field = (column: RawColumn) => sql`${id(column.name)} ${read(column)}`;
  return {
    insert: (given) => sql`
      insert into ${relationId(table)} (${join(ids(["_load_id", "_row_no", ...columns.map(({ name }) => name)]), ", ")})
      select ${join([literal(BigInt(loadId)), sql`r.${id("_row_no")}`, ...columns.map(cell)], ", ")}
      from pg_catalog.jsonb_to_recordset(${given}) as r(${join([sql`${id("_row_no")} pg_catalog.int8`, ...columns.map(field)], ", ")});`,
    checks: columns
      .filter((column) => column.type !== "text")
      .map((column) => ({
        column: column.name,
        check: sql`${cell(column)} from pg_catalog.jsonb_to_record(one.value) as r(${field(column)})`,
      })),
  };
}

function dataOf(columns: readonly RawColumn[], rows: readonly FallbackRow[]): string {
  const names = columns.map(({ name }) => name);
  return JSON.stringify(
    rows.map(({ rowNo, cells }) => {
      const row: Record<string, unknown> = Object.create(null);
      row._row_no = rowNo;
      for (const [at, name] of names.entries()) row[name] = cells[at];
      return row;
    }),
  );
}

/**
 * What no value is at fault for, and breaks no constraint, ends the load. Each check is a statement of its own, not a text
 * in a loop: its plan is made once a block.
 */
function block({ insert, checks }: Statements, data: string): Sql {
  const looks = checks.map(
    ({ column, check }) => sql`
            begin
              perform ${check};
            exception when others then
              if sqlstate !~ ${literal(CELL_STATES)} then
                raise;
              end if;
              faults := faults || pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_array(${literal(column)}::pg_catalog.text, sqlerrm));
            end;`,
  );
  return sql`do ${dollarQuoted(sql`
    declare
      given constant pg_catalog.jsonb := ${literal(data)};
      refused pg_catalog.jsonb := '[]';
      one pg_catalog.record;
      said pg_catalog.text;
      state pg_catalog.text;
      fault pg_catalog.text;
      faults pg_catalog.jsonb;
    begin
      begin
        ${insert(sql`given`)}
      exception when others then
        if sqlstate !~ ${literal(CELL_STATES)} then
          raise;
        end if;
        for one in select value, ordinality::pg_catalog.int4 - 1 as place from pg_catalog.jsonb_array_elements(given) with ordinality loop
          begin
            ${insert(sql`pg_catalog.jsonb_build_array(one.value)`)}
          exception when others then
            get stacked diagnostics state = returned_sqlstate, said = message_text, fault = column_name;
            faults := '[]';
            ${join(looks, "\n")}
            if faults = '[]' and state !~ ${literal(ROW_STATES)} then
              raise;
            end if;
            if faults = '[]' then
              faults := pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_array(nullif(fault, ''), said));
            end if;
            refused := refused || pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_array(one.place, faults));
          end;
        end loop;
      end;
      perform pg_catalog.set_config(${SETTING}, refused::pg_catalog.text, true);
    end`)}`;
}
