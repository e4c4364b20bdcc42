import { createHash } from "node:crypto";
import { relation } from "../../sql/authored.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import {
  assertModel,
  type Context,
  inputTo,
  modelOf,
  nameIn,
  publishModel,
  referTo,
  targetOf,
} from "../shared/dataform.ts";
import { type Audited, lostLoads } from "./checks.ts";
import { type SourceOptions, tablesOf } from "./options.ts";
import { ROW_KIND, ROWS, RUN_AT } from "./shape.ts";
import type { Inputs } from "./streams.ts";

// What every live mart is: an incremental store, a view over it and the tail, assertions.

/** A live mart, by what it is made of. */
export interface Live {
  readonly name: string;
  readonly caller: string;
  readonly options: SourceOptions;
  /** The kind of the store's rows that people read. */
  readonly kind: "group" | "session";
  /** What tells two rows of the store apart, besides what they are. */
  readonly key: readonly string[];
  /** Indexes of the store, as in a config's `postgres: { indexes }`. */
  readonly indexes: readonly object[];
  /** Columns of the view, and what is said of them where the author says nothing. */
  readonly columns: readonly (readonly [name: string, description: string])[];
  readonly description: string;
  readonly preOperations?: Sql | undefined;
  store(inputs: Inputs): Sql;
  view(inputs: Omit<Inputs, "raw" | "self">, store: Sql): Sql;
  disagree(audited: Audited): Sql;
  unsound(audited: Audited): Sql;
}

/** Counts what a change of the package makes of the same options, where rows of before do not do for it. */
const FORMAT = 1;

/** Store, view and assertions. */
export function publishLive(live: Live): void {
  publishStore(live);
  const { name, options } = live;
  const told = new Map(Object.entries(options.columns ?? {}));
  const config = {
    ...modelOf(options),
    type: "view",
    description: options.description ?? live.description,
    columns: Object.fromEntries(live.columns.map(([column, text]) => [column, told.get(column) ?? text])),
  };
  publishModel(name, config, (context) => live.view(sourcesOf(live, context), storeOf(live, context)));
  publishChecks(live);
}

function publishStore(live: Live): void {
  const { name, caller, options, kind, key, indexes } = live;
  const isKind = sql`${id(ROW_KIND)} = ${literal(kind)}`;
  const config = {
    ...modelOf(options),
    type: "incremental",
    uniqueKey: key,
    description: `What ${name} keeps of closed loads; read that. A run takes in the loads that closed since.`,
    postgres: {
      version: versionOf(options),
      live: true,
      // Its clock says which run wrote a row.
      volatile: false,
      // Events that come late make one session of several: their number falls, and nothing is lost.
      guard: {
        ...(kind === "session" ? { maxRowDrop: "100%" } : { where: `${isKind} and ${id(ROWS)} > 0` }),
        keep: `${id(ROW_KIND)} = 'raw'`,
      },
      indexes: [
        ...indexes,
        { columns: [RUN_AT], where: `${id(RUN_AT)} is not null` },
        { columns: [ROW_KIND], where: `${id(ROW_KIND)} in ('stream', 'raw', 'run')` },
      ],
    },
  };
  const made = publishModel(`${name}_store`, config, (context) =>
    live.store({
      ...sourcesOf(live, context),
      raw: rawOf(live, context),
      self: context.incremental() ? relation(context.self(), caller) : undefined,
    }),
  );
  if (live.preOperations) made.preOps(live.preOperations.toString());
}

function publishChecks(live: Live): void {
  const { name, options } = live;
  const check = (suffix: string, description: string, query: (audited: Audited) => Sql, more: object = {}) =>
    assertModel(`${name}_${suffix}`, { tags: options.tags ?? [], description, ...more }, (context) =>
      query({
        ...sourcesOf(live, context),
        raw: rawOf(live, context),
        store: storeOf(live, context),
        audit: options.audit ?? "changed",
      }),
    );
  const scope =
    options.audit === "refresh"
      ? "Looked at after everything was computed."
      : "What the last run changed is looked at, everything after everything was computed.";
  check("is_sound", `The store of ${name} holds closed loads only, and what belongs together agrees.`, live.unsound);
  check(
    "agrees_with_events",
    `The store of ${name} is what the events of its loads give. ${scope} What is older than raw reaches back cannot be.`,
    live.disagree,
  );
  check(
    "has_every_load",
    "No load lost its rows in raw before it was taken in. It is told, and holds nothing back: bring them back, or strike it.",
    lostLoads,
    { postgres: { severity: "warn" } },
  );
}

function sourcesOf(live: Live, context: Context) {
  const { caller, name, options } = live;
  const { ledger } = options;
  const made = [name, `${name}_store`];
  const input = (given: SourceOptions["from"], option: string) =>
    inputTo(context, given, `${caller}: ${option}`, { schema: options.schema, made });
  return {
    feed: input(options.from, "from"),
    ledger: ledger === undefined ? id("raw", "_load") : input(ledger, "ledger"),
    tables: tablesOf(caller, options).map((table) => targetOf(table)!.name),
  };
}

function rawOf({ caller, options }: Live, context: Context) {
  return tablesOf(caller, options).map((table) => ({
    name: targetOf(table)!.name,
    relation: referTo(context, table, `${caller}: of`),
  }));
}

function storeOf({ name, caller, options }: Live, context: Context): Sql {
  return referTo(context, nameIn(options, `${name}_store`), caller);
}

/** Other options, or another package, may mean other rows. */
function versionOf(options: SourceOptions): string {
  const { schema: _, tags: __, columns: ___, description: ____, audit: _____, ...meaning } = options;
  return createHash("sha256")
    .update(JSON.stringify([FORMAT, meaning]))
    .digest("hex")
    .slice(0, 16);
}
