import { restated, UserError } from "../model/errors.ts";
import type { Holds, Trace, TracePiece } from "../model/graph.ts";
import type { Target } from "../model/target.ts";
import { expression } from "../sql/authored.ts";
import { cutToBytes, id, LONGEST_NAME } from "../sql/identifiers.ts";
import { isExpression } from "../sql/index-columns.ts";
import { literal } from "../sql/literals.ts";
import { type Stretch, stretchOf } from "../sql/made-by.ts";
import { MARK, reference } from "../sql/references.ts";
import { join, type Sql, sql } from "../sql/sql.ts";
import { meaningful } from "../sql/tokens.ts";
import { type AskedRule, ruleQuery } from "./config-rules.ts";
import { offsetInConfig } from "./config-text.ts";
import { authorsPattern, locationAt } from "./source.ts";

/** An assertion that a model's config asks for, as the worker notes it in place of core's query. */
interface Asked extends Partial<AskedRule> {
  /** The model, as `ref()` gives it. */
  readonly from: string;
  readonly unique?: readonly string[];
  readonly conditions?: readonly { readonly nonNull?: string; readonly condition?: string }[];
}

/** What a person wrote in the config, and the SQL that it became. */
interface Written {
  readonly key: "uniqueKey" | "nonNull" | "rowConditions";
  readonly text: string;
  readonly sql: Sql;
}

/** Where the config has a text in quotes; or else where it says that it asserts. */
interface Place {
  readonly at: number;
  readonly isLiteral: boolean;
}

type Places = (key: Written["key"], text: string) => Place;

const ASKED = "\uE005";

export interface ConfigAssertion {
  readonly query: string;
  readonly holds: Holds;
  readonly trace: Trace;
}

/**
 * The query of an assertion that `assertions: {…}` of a model's config asks for; undefined when a person wrote it.
 * @throws UserError for an expression that is none
 */
export function configAssertion(query: string, file: string, read: () => string): ConfigAssertion | undefined {
  if (!query.startsWith(ASKED)) return undefined;
  // Read where something is wrong, and not for each of a thousand models.
  const source = () => read().replaceAll("\r\n", "\n");
  const asked = JSON.parse(query.slice(ASKED.length)) as Asked;
  const { from, unique, conditions } = asked;
  const target = targetIn(from);
  if (asked.rule) return ofRule({ ...asked, rule: asked.rule }, target, file, source);
  const place: Places = (key, text) => {
    const all = source();
    const whole = { from: 0, to: all.length };
    const own = placeIn(all, stretchOf(all, file, target.name) ?? whole, key, text);
    // The config may stand before the call, in a variable.
    const anywhere = own.isLiteral ? own : placeIn(all, whole, key, text);
    return anywhere.isLiteral ? anywhere : own;
  };
  const checked = (key: Written["key"], text: string): Written => {
    try {
      return { key, text, sql: columnOrExpression(target.name, text, key) };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw restated(error, { location: locationAt(file, source(), place(key, text).at) });
    }
  };
  const written = unique
    ? unique.map((text) => checked("uniqueKey", text))
    : (conditions ?? []).map((one) =>
        one.nonNull === undefined ? checked("rowConditions", one.condition!) : checked("nonNull", one.nonNull),
      );
  if (!written.length) {
    const location = locationAt(file, source(), place("uniqueKey", "").at);
    throw new UserError({ message: "assertions: a key names no column", location, expected: 'uniqueKey: ["id"]' });
  }
  const model = id(target.schema, target.name);
  const made = unique ? uniqueQuery(model, written) : rowsQuery(model, target.name, written);
  const text = made.toString();
  return {
    query: text,
    holds: holdsOf(written),
    trace: {
      file,
      inConfig: true,
      text,
      get pieces() {
        return piecesOf(text, written, place);
      },
    },
  };
}

/** A rule that core does not know. What is wrong with it stands at its column. */
function ofRule(asked: AskedRule, target: Target, file: string, source: () => string): ConfigAssertion {
  // What nothing is called, core has told: there is no name of it.
  const other = asked.to ? targetIn(asked.to) : target;
  const text = ruleQuery(asked, target, other).toString();
  const path = ["assertions", asked.rule, ...(asked.column === undefined ? [] : [asked.column])];
  return {
    query: text,
    holds: {},
    trace: {
      file,
      inConfig: true,
      text,
      get pieces(): readonly TracePiece[] {
        return [[text.length, Math.max(0, offsetInConfig(source(), file, path)), 1]];
      },
    },
  };
}

/** What is true of the model's columns while no row fails. */
function holdsOf(written: readonly Written[]): Holds {
  const columnsOf = (key: "uniqueKey" | "nonNull") =>
    written.filter((one) => one.key === key).map(({ text }) => columnIn(text, key));
  const unique = columnsOf("uniqueKey");
  const neverNull = columnsOf("nonNull").filter((one) => one !== undefined);
  return {
    // A key that has an expression in it names no row by its columns.
    ...(unique.length && unique.every((one) => one !== undefined) ? { unique } : {}),
    ...(neverNull.length ? { neverNull } : {}),
  };
}

function uniqueQuery(model: Sql, key: readonly Written[]): Sql {
  const columns = key.map(({ sql: column, text }) =>
    isExpression(meaningful(text)) ? sql`${column} as ${id(cutToBytes(text.trim(), LONGEST_NAME))}` : column,
  );
  return sql`
    select
      ${columns},
      count(*) as ${id("_dataform_rows")}
    from ${model}
    group by
      ${key.map((one) => one.sql)}
    having count(*) > 1
  `;
}

/** A row fails a condition that is false; one that is NULL lets it pass. */
function rowsQuery(model: Sql, name: string, conditions: readonly Written[]): Sql {
  const selects = conditions.map(({ key, text, sql: condition }) => {
    const label = literal(key === "nonNull" ? `${text} is not null` : text.trim());
    return sql`
      select ${label} as ${id("_dataform_condition")}, ${id(name)}.*
      from ${model}
      where ${key === "nonNull" ? sql`${condition} is null` : sql`not ${condition}`}
    `;
  });
  return selects.reduce((all, one) => join([all, sql`union all`, one], "\n"));
}

/** The model, its schema with its mark: its name is what its rows are called in a query on it. */
function targetIn(from: string): Target {
  const [, schema, name] = [...from.matchAll(reference)][0]!;
  return { schema: `${MARK}${schema!.replaceAll('""', '"')}`, name: name!.replaceAll('""', '"') };
}

/** A column with its model before it: alone, a name that no column has may be the model's, which is a whole row. */
function columnOrExpression(model: string, text: string, key: string): Sql {
  const column = key === "rowConditions" ? undefined : columnIn(text, key);
  return column === undefined ? expression(text, `assertions: ${key}`) : id(model, column);
}

/**
 * The column that a text in a config names, as PostgreSQL has it; undefined for an expression: in parentheses, or a call.
 * @throws UserError for a name in the quotes of SQL
 */
export function columnIn(text: string, key: string): string | undefined {
  const tokens = meaningful(text);
  if (isExpression(tokens)) return undefined;
  if (tokens[0]?.kind !== "quoted" || tokens[0].text !== text.trim()) return text;
  throw new UserError({
    message: `${key}: names are given without the quotes of SQL`,
    expected: text.trim().slice(1, -1).replaceAll('""', '"'),
    found: text,
  });
}

/** Where the config says it; where it says `assertions`, when JavaScript made the text. */
function placeIn(source: string, within: Stretch, key: string, text: string): Place {
  const own = source.slice(0, within.to);
  const block = within.from + Math.max(0, own.slice(within.from).search(/\bassertions\b/));
  const from = Math.max(block, own.indexOf(key, block));
  const literalOf = (start: number) => {
    const found = new RegExp(`(["'\`])${authorsPattern(text)}\\1`).exec(own.slice(start));
    return found ? start + found.index + 1 : undefined;
  };
  const found = literalOf(from) ?? literalOf(block);
  return { at: found ?? block, isLiteral: found !== undefined };
}

/** Names and expressions come from their places in the config, everything else from the first of them. */
function piecesOf(text: string, written: readonly Written[], place: Places): readonly TracePiece[] {
  const first = place(written[0]!.key, written[0]!.text).at;
  const found = written.flatMap(({ key, text: words, sql: made }) => {
    const own = made.toString();
    const inside = words.trim();
    const { at, isLiteral } = place(key, words);
    return occurrences(text, own).flatMap((start): { readonly start: number; readonly piece: TracePiece }[] => {
      if (!isLiteral) return [{ start, piece: [own.length, at, 1] }];
      if (own === `(${inside})`) return [{ start: start + 1, piece: [inside.length, at + words.indexOf(inside), 0] }];
      // A column, at whose first character the server tells of it.
      return [
        { start, piece: [1, at, 0] },
        { start: start + 1, piece: [own.length - 1, at, 1] },
      ];
    });
  });
  const pieces: TracePiece[] = [];
  let end = 0;
  for (const { start, piece } of found.sort((a, b) => a.start - b.start)) {
    if (start < end) continue;
    if (start > end) pieces.push([start - end, first, 1]);
    pieces.push(piece);
    end = start + piece[0];
  }
  if (end < text.length) pieces.push([text.length - end, first, 1]);
  return pieces;
}

function occurrences(text: string, part: string): number[] {
  const places: number[] = [];
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) places.push(at);
  return places;
}
