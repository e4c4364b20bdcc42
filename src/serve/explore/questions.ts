import { restated, UserError } from "../../model/errors.ts";
import type { Asked, ExploreCatalogue, Explored, ExploreRelation } from "../../model/explore.ts";
import { type Target, targetKey } from "../../model/target.ts";
import { PoolIsFull } from "../../postgres/read-pool.ts";
import { select } from "../../sql/authored.ts";
import { id } from "../../sql/identifiers.ts";
import { positionAt } from "../../sql/locate.ts";
import { PRIVATE_SCHEMA } from "../../sql/names.ts";
import { READ_ALIKE } from "../../sql/session.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import type { Catalogue } from "../catalogue.ts";
import { isTooLong, type Reading, readSelect, shortened, type Wanted } from "../select.ts";
import { Turns } from "../turns.ts";
import { keptSelect, withPlaced } from "./kept-select.ts";
import { selectOf } from "./picked-select.ts";

export interface ExploreOptions {
  /** Rows that one answer gives at most. */
  readonly mostRows: number;
  /** What the reader may read. */
  readonly catalogue: (signal: AbortSignal) => Promise<Catalogue>;
  /** Does what reads; all of it is of the release that comes with it. */
  readonly inOneRelease: <T>(signal: AbortSignal, work: (release: number | null) => Promise<T>) => Promise<T>;
  readonly reading: (signal: AbortSignal) => Reading;
}

/** Answers that are worked at beside each other, and those that may wait. */
const AT_ONCE = 4;
const MOST_WAITING = 32;
/** Characters of one value, and of all of an answer. */
const LONGEST_VALUE = 2_000;
const LONGEST_ANSWER = 4_000_000;

/** What the page that explores asks. Nothing is written, and nothing is told that the reader may not read. */
export class Explore {
  readonly #options: ExploreOptions;
  readonly #turns = new Turns(AT_ONCE);

  constructor(options: ExploreOptions) {
    this.#options = options;
  }

  /** @throws PoolIsFull where too many wait */
  catalogue(signal: AbortSignal): Promise<ExploreCatalogue> {
    return this.#inTurn(signal, async () =>
      exploreCatalogue(await this.#options.catalogue(signal), this.#options.mostRows),
    );
  }

  /**
   * @throws UserError for what cannot be asked, for what the server refuses, and for what takes too long; PoolIsFull where too
   *   many wait
   */
  answer(asked: Asked, signal: AbortSignal): Promise<Explored> {
    return this.#inTurn(signal, async () => {
      const known = await this.#options.catalogue(signal);
      const { relations } = exploreCatalogue(known, this.#options.mostRows);
      const limit = Math.min(asked.limit, this.#options.mostRows);
      const { query, shown } = queryOf(asked, relations, limit);
      const ours = new Set(known.relations.map(({ key }) => key));
      return this.#options.inOneRelease(signal, async (release) => {
        const reading = this.#options.reading(signal);
        const { rows, ...about } = await readSelect(query, reading, wantedOf(asked, limit)).catch((error) => {
          throw inText(error, asked.select, query);
        });
        return {
          release,
          ...about,
          rows: rows.map((row) =>
            row.map((value) => (isTooLong(value, LONGEST_VALUE) ? shortened(value, LONGEST_VALUE) : value)),
          ),
          sql: shown,
          kept: withPlaced(
            keptSelect(shown, (target: Target) => ours.has(targetKey(target))),
            about.columns,
          ),
        };
      });
    });
  }

  #inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#turns.waiting >= MOST_WAITING) throw new PoolIsFull("too many questions wait");
    return this.#turns.take(() => {
      signal.throwIfAborted();
      return work();
    });
  }
}

/** Relations that have rows: what people read first, then what it is made of. */
function exploreCatalogue({ release, relations }: Catalogue, mostRows: number): ExploreCatalogue {
  return {
    release: release?.number ?? null,
    mostRows,
    relations: relations
      .filter(({ relation }) => relation.columns.length && relation.schema !== PRIVATE_SCHEMA)
      .map(({ relation: { schema, name, kind, group, summary, columns } }) => ({
        schema,
        name,
        kind,
        group,
        summary,
        columns: columns.map(([column, type, description]) => ({ name: column, type, description })),
      })),
  };
}

/** What is read, one row more than is given, and what of it a person is shown. */
function queryOf({ picked, select: text }: Asked, relations: readonly ExploreRelation[], limit: number) {
  if (picked && text === undefined)
    return { query: selectOf(picked, relations, limit + 1), shown: selectOf(picked, relations, limit).toString() };
  if (!picked && text !== undefined) {
    const query = select(text, "the query");
    return { query, shown: query.toString() };
  }
  throw new UserError({
    message: "a question is picked, or one select",
    expected: "picked or select",
    found: picked ? "both" : "neither",
  });
}

function wantedOf({ order, ties }: Asked, limit: number): Wanted {
  // As a panel of a dashboard has them (compile/dashboard-sql.ts): what is kept shows its rows in the same order.
  const terms: Sql[] = [
    ...order.map(({ column, descending }) => sql`${id(column)}${descending ? sql` desc` : sql``} nulls last`),
    ...(order.length ? ties.map((column) => sql`${id(column)}::pg_catalog.text collate "C"`) : []),
  ];
  return {
    limit,
    longestValue: LONGEST_VALUE,
    longestAnswer: LONGEST_ANSWER,
    local: join(READ_ALIKE, ";\n"),
    textOf: ({ name }) => sql`${id("answer", name)}::text`,
    ...(terms.length ? { order: join(terms, ", ") } : {}),
  };
}

/** The place of a mistake in the text as it was written: what stands before the statement counts, too. */
function inText(error: unknown, text: string | undefined, query: Sql): unknown {
  if (!(error instanceof UserError) || !error.location?.line || !error.location.column || text === undefined)
    return error;
  const { line, column } = error.location;
  const begin = positionAt(text, Math.max(0, text.indexOf(query.toString())));
  return restated(error, {
    location: {
      file: error.location.file,
      line: begin.line + line - 1,
      column: line === 1 ? begin.column + column - 1 : column,
    },
  });
}
