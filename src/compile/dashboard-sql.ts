import type { DashboardFile, WrittenPanel } from "../config/load-dashboards.ts";
import { Place } from "../config/place.ts";
import type { YamlPath } from "../config/yaml.ts";
import type { DeclaredFilter, DeclaredPanel } from "../model/dashboard.ts";
import type { Target } from "../model/target.ts";
import { balanced, select } from "../sql/authored.ts";
import { id } from "../sql/identifiers.ts";
import { queryIn } from "../sql/split.ts";
import { commentLine, empty, type Identifier, sql } from "../sql/sql.ts";
import { mistake } from "./mistake.ts";
import type { ReadableNames } from "./readable-names.ts";
import { marked, telling, WrittenSql } from "./written-sql.ts";

/** What of a panel its SQL is made of. */
export interface PanelParts {
  readonly file: DashboardFile;
  readonly at: Place;
  readonly written: WrittenPanel;
  /** In the dashboard, from 1. */
  readonly number: number;
  /** All of the dashboard. */
  readonly filters: readonly DeclaredFilter[];
  readonly names: ReadableNames;
  /** What it selects, and what in the YAML asks for each. */
  readonly columns: readonly NamedColumn[];
  /** Columns that rows are made one by. */
  readonly alongs: readonly string[];
}

interface NamedColumn {
  readonly name: string;
  readonly path: YamlPath;
}

/** A column that the server sorts by. */
export interface SortColumn extends NamedColumn {
  readonly descending: boolean;
}

/** The statements of a panel, each with its way back to the YAML. */
export class PanelSql {
  readonly #file: DashboardFile;
  readonly #at: Place;
  readonly #written: WrittenPanel;
  readonly #number: number;
  readonly #filters: readonly DeclaredFilter[];
  readonly #names: ReadableNames;
  readonly #columns: readonly NamedColumn[];
  readonly #alongs: readonly string[];

  constructor({ file, at, written, number, filters, names, columns, alongs }: PanelParts) {
    this.#file = file;
    this.#at = at;
    this.#written = written;
    this.#number = number;
    this.#filters = filters;
    this.#names = names;
    this.#columns = columns;
    this.#alongs = alongs;
  }

  /** @param currencies columns that tell amounts apart */
  query(
    order: readonly SortColumn[],
    currencies: readonly string[],
  ): { readonly query: WrittenSql; readonly reads: readonly Target[]; readonly parts: DeclaredPanel["parts"] } {
    const query = new WrittenSql(this.#file.yaml);
    const { path } = this.#at;
    const title = [...path, "title"];
    // Tells its text from that of a panel that reads the same.
    const told = this.#written.title.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
    query.made(commentLine(`${this.#number}: ${told}`), title).line(sql`select`, title);
    const rest = (list: readonly unknown[], at: number) => (at < list.length - 1 ? sql`,` : empty);
    for (const [at, { name, path: asked }] of this.#columns.entries())
      query.line(sql`  panel.${this.#id(name, asked)}${rest(this.#columns, at)}`, asked);
    const { reads, own } = this.#from(query);
    const { where } = this.#written;
    if (where !== undefined) {
      const at = this.#at.in("where");
      telling(at, () => balanced(where, "where", "one SQL condition"), "close what it opens, and nothing else");
      query.line(sql`where (`, at.path).line(empty, at.path).copied(where, at.path).line(sql`)`, at.path);
    }
    const terms = order.map(
      ({ name, descending, path: at }) =>
        [sql`${this.#id(name, at)}${descending ? sql` desc` : empty} nulls last`, at] as const,
    );
    const named = new Set(order.map(({ name }) => name));
    const apart = new Set([...this.#alongs, ...currencies]);
    const along = this.#columns.filter(({ name }) => apart.has(name) && !named.has(name));
    const alongs = along.map(({ name, path: at }) => [sql`${this.#id(name, at)} nulls last`, at] as const);
    // Rows that are equal by all that is asked for come in one order, too.
    const ties = this.#columns.map(
      ({ name, path: at }) => [sql`${this.#id(name, at)}::pg_catalog.text collate "C"`, at] as const,
    );
    const all = [...terms, ...alongs, ...ties];
    if (all[0]) query.line(sql`order by`, all[0][1]);
    for (const [at, [term, asked]] of all.entries()) query.line(sql`  panel.${term}${rest(all, at)}`, asked);
    const sorted = [...order, ...along.map(({ name }) => ({ name, descending: false }))];
    const parts: DeclaredPanel["parts"] = {
      ...(own === undefined ? {} : { select: own }),
      ...(where === undefined ? {} : { where }),
      order: sorted.map(({ name, descending }) => ({ name, descending })),
    };
    return { query, reads, parts };
  }

  #id(name: string, path: YamlPath): Identifier {
    return telling(new Place(this.#file.yaml, path), () => id(name));
  }

  #from(made: WrittenSql): { readonly reads: readonly Target[]; readonly own?: string } {
    const { from, select: query } = this.#written;
    if (from !== undefined) {
      const at = this.#at.in("from");
      const target = this.#names.find(from, at.value());
      made.line(sql`from ${marked(target)} as panel`, at.path);
      return { reads: [target] };
    }
    const at = this.#at.in("select");
    const reads: Target[] = [];
    const [text, found] = this.#withReferences(query!, at, reads);
    const own = telling(
      at,
      () => select(text, "select").toString(),
      "what needs more is a model of definitions/: let the dashboard read that",
    );
    const length = queryIn(text).length + text.indexOf(queryIn(text));
    made.line(sql`from (`, at.path).line(empty, at.path);
    let start = 0;
    for (const { from: begin, to, name } of found) {
      made.copied(query!, at.path, start, begin).instead(name, at.path, begin);
      start = to;
    }
    made.copied(query!, at.path, start, query!.length - (text.length - length)).line(sql`) as panel`, at.path);
    return { reads, own };
  }

  /** `${ref("schema", "name")}`, and nothing else that a program would have to read. */
  #withReferences(query: string, at: Place, reads: Target[]) {
    const found: { readonly from: number; readonly to: number; readonly name: Identifier }[] = [];
    let text = "";
    let start = 0;
    for (const { 0: whole, 1: inside = "", index } of query.matchAll(/\$\{([^}]*)\}?/g)) {
      const place = () => this.#file.yaml.locate(at.path);
      const names = REF.exec(inside)?.groups;
      if (!names || !whole.endsWith("}"))
        throw mistake({
          message: "the select has a placeholder that is not ref()",
          ...this.#within(query, at, index),
          expected: '${ref("schema", "name")}',
          found: whole,
          hint: "what needs more than a name is a model of definitions/: let the dashboard read that",
        });
      const name = names.name === undefined ? names.first! : `${names.first}.${names.name}`;
      const target = this.#names.find(name, { ...place(), ...this.#within(query, at, index) });
      reads.push(target);
      found.push({ from: index, to: index + whole.length, name: marked(target) });
      text += `${query.slice(start, index)}${marked(target)}`;
      start = index + whole.length;
    }
    return [text + query.slice(start), found] as const;
  }

  /** Where a character of the text at a place stands. */
  #within(text: string, at: Place, offset: number) {
    const character = new WrittenSql(this.#file.yaml).copied(text, at.path, offset, offset + 1);
    return this.#file.yaml.placeOf(character.trace.pieces[0]![1]);
  }

  /** A condition by which the server says whether figures are numbers and days are days. */
  check(figures: readonly number[], filters: readonly DeclaredFilter[]): WrittenSql {
    const title = [...this.#at.path, "title"];
    const check = new WrittenSql(this.#file.yaml).made(commentLine(String(this.#number)), title).line(sql`true`, title);
    for (const { name, path } of figures.map((place) => this.#columns[place]!))
      check.made(sql` and (@ panel.${this.#id(name, path)}) is null`, path);
    for (const { kind, column } of filters) {
      const path = ["filters", this.#filters.findIndex((one) => one.column === column), "column"];
      if (kind === "dates") check.made(sql` and pg_catalog.age(panel.${this.#id(column, path)}) is null`, path);
    }
    return check;
  }
}

const REF = /^\s*ref\(\s*(["'`])(?<first>[^"'`$\\]+)\1\s*(?:,\s*(["'`])(?<name>[^"'`$\\]+)\3\s*)?\)\s*$/;
