import { id } from "../../src/sql/identifiers.ts";
import { literal } from "../../src/sql/literals.ts";
import type { ProjectFiles } from "./project.ts";

type Value = string | number | boolean | null;

/** One load of a feed, as landing leaves it: a row of `raw._load` and the rows of its table. */
export interface FeedLoad {
  readonly kind: "log" | "partial" | "full" | "slice";
  /** When it was loaded; a day of January 2024 as a number, at 01:00. */
  readonly loaded: number | string;
  /** What it is a picture of; a day of January 2024 as a number, at 00:00. */
  readonly asOf?: number | string;
  readonly records: readonly Readonly<Record<string, Value>>[];
  readonly status?: "loaded" | "failed";
  readonly rejected?: number;
  readonly forced?: boolean;
}

/** The functions for histories, as a file of a project. */
export const scd2Files: ProjectFiles = {
  "includes/scd2.js": 'module.exports = require("dataform-postgres/includes/scd2");',
};

/** The feed's declaration, and the call that publishes its history; `more` may use its handle, `history`. */
export function historyFiles(name: string, options: string, more = ""): ProjectFiles {
  return {
    [`definitions/${name}_feed.sqlx`]: `config { type: "declaration", schema: "raw", name: "${name}_feed" }`,
    [`definitions/${name}.js`]: `const history = scd2.publish("${name}", { from: ["raw", "${name}_feed"], ${options} });${more}`,
  };
}

export const makeLedger = `
  create schema if not exists raw;
  create table raw._load (
    load_id bigint primary key, table_name text not null, status text not null, finished_at timestamptz not null,
    rows bigint not null, rejected bigint not null, batch text not null, as_of text, details jsonb)`;

export function makeFeed(name: string, columns: string): string {
  return `create table raw.${name}_feed (${columns}, _load_id bigint not null, _row_no bigint not null)`;
}

/** The statements that land a load. */
export function landing(name: string, loadId: number, load: FeedLoad): string {
  const { kind, loaded, asOf, records, status = "loaded", rejected = 0, forced = false } = load;
  const text = (value: Value | undefined) => (value == null ? "null" : literal(String(value)));
  const landed = status === "loaded" ? records : [];
  const rows = landed.map((record, index) => {
    const columns = [...Object.keys(record).map((name) => id(name)), "_load_id", "_row_no"];
    const values = [...Object.values(record).map(text), loadId, index + 1];
    return `insert into raw.${name}_feed (${columns.join()}) values (${values.join()});`;
  });
  return `${rows.join("\n")}
    insert into raw._load values (${loadId}, '${name}_feed', '${status}', ${literal(`${moment(loaded)} 01:00Z`)},
      ${landed.length}, ${rejected}, '${kind}', ${text(asOf === undefined ? null : moment(asOf))},
      '{"forced": ${forced}}');`;
}

function moment(day: number | string): string {
  return typeof day === "number" ? `2024-01-${String(day).padStart(2, "0")}` : day;
}

/** Versions as text: `key attributes from..to how`, with `-` for what is still open. */
export function showVersions(relation: string, key: string, attributes: readonly string[]): string {
  const day = (column: string) =>
    `to_char(${column} at time zone 'UTC', case when ${column} = date_trunc('day', ${column} at time zone 'UTC') at time zone 'UTC' then 'MM-DD' else 'MM-DD HH24:MI:SS.US' end)`;
  const shown = [key, ...attributes].map(
    (column) => `coalesce(nullif(${column}::text, ''), case when ${column} is null then '∅' else '''''' end)`,
  );
  return `select concat_ws(' ', ${shown.join(", ")}, ${day("valid_from")} || '..' || coalesce(${day("valid_to")}, '-'), ended_by)
    from ${relation} as versions order by ${key}, valid_from`;
}
