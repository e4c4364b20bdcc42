import { UserError } from "../../model/errors.ts";
import type { Lineage } from "../../model/lineage.ts";
import { indexLineage, type LineageIndex } from "../../model/lineage-index.ts";
import { type LineagePlace, type LineageStep, walkLineage } from "../../model/lineage-walk.ts";
import { nearest } from "../../model/nearest.ts";
import type { Catalogue, Known } from "../catalogue.ts";
import type { Given, InputSchema } from "./arguments.ts";
import type { Rows } from "./query.ts";
import { search } from "./search.ts";

/** What the tools ask: each answer is of one release, and only of what the reader may read. */
export interface Asked {
  catalogue(): Promise<Catalogue>;
  lineage(): Promise<Lineage>;
  /** The place that a name means. @throws UserError where it means none, or several */
  placeOf(name: string, index: LineageIndex): LineagePlace;
  query(text: string, limit: number): Promise<Rows & { readonly release: number | null }>;
}

export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: InputSchema;
  /** JSON. */
  readonly answer: (given: Given, asked: Asked) => Promise<string>;
}

/** Steps of a lineage that are told. */
const MOST_STEPS = 200;
const NAME = "schema.name, as search_catalogue writes it";

/** @param mostRows that one query gives */
export function toolsOf(mostRows: number): readonly Tool[] {
  return [
    {
      name: "search_catalogue",
      title: "Search the catalogue",
      description:
        "Relations of the data warehouse by words in their names, columns, tags and descriptions, best first; without words all of them. Ask this first: it says what there is and what it means.",
      inputSchema: schema({
        words: { type: "string", description: "such as: daily spend campaign", default: "" },
        limit: { type: "integer", description: "relations at most", minimum: 1, maximum: 200, default: 20 },
      }),
      answer: async ({ words, limit }, { catalogue }) => {
        const known = await catalogue();
        const hits = search(known, words as string);
        const given = hits.slice(0, limit as number);
        return json({
          ...ofRelease(known),
          found: hits.length,
          given: given.length,
          ...(given.length < hits.length ? { cut: `there are ${hits.length}: say more words, or a higher limit` } : {}),
          relations: given.map(({ known: one, columns }) => ({
            name: one.key,
            kind: one.relation.kind,
            state: one.relation.state,
            summary: one.relation.summary,
            ...some("tags", one.relation.tags),
            columns: one.relation.columns.map(([name]) => name),
            ...some(
              "columns_found",
              columnsOf(one).filter(({ name }) => columns.has(name)),
            ),
            tests: one.tests.length,
            ...(failing(one).length ? { failing_tests: failing(one).map(({ name }) => name) } : {}),
          })),
        });
      },
    },
    {
      name: "describe_relation",
      title: "Describe a relation",
      description:
        "All that is known of one relation: what it means, its columns with types, keys and descriptions, its tests and how they went, what it reads and what reads it. No rows.",
      inputSchema: schema({ name: { type: "string", description: NAME } }, ["name"]),
      answer: async ({ name }, { catalogue }) => {
        const known = await catalogue();
        return json({ ...ofRelease(known), ...described(find(known, name as string)) });
      },
    },
    {
      name: "lineage",
      title: "Where data come from, and what uses them",
      description:
        "Which columns a column comes from and what comes from it, or which relations a relation reads and what reads it, as PostgreSQL analysed the project's queries.",
      inputSchema: schema(
        {
          name: { type: "string", description: "schema.name of a relation, or schema.name.column" },
          direction: {
            type: "string",
            enum: ["up", "down", "both"],
            description: "up: what it comes from; down: what uses it",
            default: "both",
          },
          depth: { type: "integer", description: "steps at most", minimum: 1, maximum: 100, default: 10 },
        },
        ["name"],
      ),
      answer: async ({ name, direction, depth }, asked) => {
        const [known, lineage] = [await asked.catalogue(), await asked.lineage()];
        const index = indexLineage(lineage);
        const place = asked.placeOf(name as string, index);
        const walked = (way: "up" | "down") =>
          direction === "both" || direction === way ? steps(walkLineage(index, place, way, depth as number), way) : {};
        return json({
          ...ofRelease(known),
          of: textOf(place),
          told_of: "the project's queries as they are written now",
          ...walked("up"),
          ...walked("down"),
          ...some("cannot_be_told", index.relations.get(place.relation)?.untold.map(({ why }) => why) ?? []),
        });
      },
    },
    {
      name: "query",
      title: "Read rows",
      description: `One select of PostgreSQL, read only, at most ${mostRows} rows: aggregate in SQL instead of reading many. Names are schema.name. numeric and bigint come as texts, with all their digits. An answer that is cut says so. Columns tagged pii are personal: leave them out unless they are what was asked for.`,
      inputSchema: schema(
        {
          sql: { type: "string", description: "one select, without a semicolon" },
          limit: {
            type: "integer",
            description: "rows at most",
            minimum: 1,
            maximum: mostRows,
            default: Math.min(100, mostRows),
          },
        },
        ["sql"],
      ),
      answer: async ({ sql, limit }, { query }) => answerOf(await query(sql as string, limit as number)),
    },
  ];
}

function schema(properties: InputSchema["properties"], required?: readonly string[]): InputSchema {
  return { type: "object", properties, ...(required ? { required } : {}), additionalProperties: false };
}

const json = (value: unknown): string => JSON.stringify(value);

function some<T>(name: string, all: readonly T[]): Record<string, readonly T[]> {
  return all.length ? { [name]: all } : {};
}

function ofRelease({ environment, release }: Catalogue) {
  return {
    environment,
    release: release?.number ?? null,
    ...(release?.publishedAt ? { published_at: release.publishedAt } : {}),
  };
}

/** @throws UserError for a name that the reader knows nothing of: it is not there, or is not theirs */
function find({ relations }: Catalogue, name: string): Known {
  const named = relations.filter(({ key, relation }) => key === name || relation.name === name);
  const meant = named.find(({ key }) => key === name) ?? (named.length === 1 ? named[0] : undefined);
  if (meant) return meant;
  const keys = relations.map(({ key }) => key);
  const like = named.length ? named.map(({ key }) => key).join(", ") : nearest(name, keys);
  throw new UserError({
    message: named.length
      ? `several relations are named ${name}`
      : `no relation that may be read here is named ${name}`,
    expected: NAME,
    found: name,
    hint: like === undefined ? "search_catalogue finds relations by words" : `did you mean ${like}?`,
  });
}

function described(known: Known) {
  const { key, relation, detail, tests, reads, readBy } = known;
  return {
    name: key,
    kind: relation.kind,
    state: relation.state,
    description: detail.description ?? relation.summary,
    ...some("tags", relation.tags),
    ...(detail.file ? { file: detail.file } : {}),
    ...(detail.facts.rows === undefined || detail.facts.hasPolicies ? {} : { rows_about: detail.facts.rows }),
    ...(detail.facts.hasPolicies
      ? { row_level_security: "who reads it sees the rows that its policies let through" }
      : {}),
    ...some(
      "key",
      columnsOf(known).flatMap(({ name, key: isKey }) => (isKey ? [name] : [])),
    ),
    columns: columnsOf(known),
    tests: tests.map(({ name, description, verdict }) => ({ name, description, verdict: verdict ?? "not asked yet" })),
    reads,
    read_by: readBy,
  };
}

function columnsOf({ relation, detail }: Known) {
  return relation.columns.map(([name, type, description], at) => {
    const { tags = [], isKey, isNotNull } = detail.columns[at]!;
    return {
      name,
      type,
      ...(description ? { description } : {}),
      ...(isKey ? { key: true } : {}),
      ...(isNotNull ? { not_null: true } : {}),
      ...some("tags", tags),
    };
  });
}

const failing = ({ tests }: Known) => tests.filter(({ verdict }) => verdict === "failed");

function steps(all: readonly LineageStep[], way: "up" | "down") {
  const given = all.slice(0, MOST_STEPS).map(({ from, to, kinds, wholeRow, only, depth }) => ({
    from: textOf(from),
    to: textOf(to),
    ...some("kinds", kinds),
    ...(wholeRow ? { whole_row: true } : {}),
    ...(only ? { only } : {}),
    depth,
  }));
  return {
    [way]: given,
    ...(given.length < all.length
      ? { [`${way}_cut`]: `${given.length} of ${all.length} steps: ask with a lower depth` }
      : {}),
  };
}

function textOf({ relation, column }: LineagePlace): string {
  return column === undefined ? relation : `${relation}.${column}`;
}

/** The rows are JSON already, with every digit. */
function answerOf({ release, columns, rows, cut, cutValues }: Rows & { readonly release: number | null }): string {
  const head = json({
    release,
    given: rows.length,
    ...(cut === undefined ? {} : { cut: `${cut}: aggregate, or go on behind the last key` }),
    ...(cutValues ? { cut_values: cutValues } : {}),
    columns,
  });
  return `${head.slice(0, -1)},"rows":[${rows.join(",\n")}]}`;
}
