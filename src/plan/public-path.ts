import type { Catalog, Column, Dependent, PublicRelation } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import type { PublishItem } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";
import { typeName } from "../sql/authored.ts";
import { differ } from "../sql/compare.ts";
import { collation, type PublicColumn } from "../sql/ddl.ts";
import { id } from "../sql/identifiers.ts";
import { PRIVATE_SCHEMA, privateId, privateName, SET_ASIDE } from "../sql/names.ts";
import { empty, type Sql, sql } from "../sql/sql.ts";
import { castsAlike, followsSession } from "../sql/types.ts";
import { goesWithColumns, inTheWay, needing, othersComments, sameColumn } from "./attachments.ts";
import { refuseToRebuild } from "./dependents.ts";
import { isOurView, leftBehind, refuseUnpublishable } from "./obstacles.ts";
import { refuseOurNames } from "./our-names.ts";
import { refuseUnheld, refuseUnprotected } from "./row-security.ts";

/** How the public view of one model follows its new private object. */
export interface PublicPath {
  readonly how: /** There was nothing of that name. */
    | "create"
    /** The published columns are all there: new ones go last. */
    | "replace"
    /** Others read columns that changed, or put on the view what no other could be given: the old columns go on. */
    | "shim"
    /** Columns changed and nothing keeps the view: it is dropped and made again, with all that others put on it. */
    | "recreate"
    /** Columns changed and what others built is made anew with it. */
    | "rebuild"
    /** A relation that the project did not make is moved aside. */
    | "adopt";
  readonly columns: readonly (PublicColumn & Pick<Column, "type">)[];
  /** What a person should know. */
  readonly warning?: string;
  /** Queries that must return no row, or the path cannot be taken. */
  readonly checks: readonly Sql[];
}

/**
 * Chooses the path.
 * @throws UserError when every path would break what others built.
 */
export function choosePath(item: PublishItem, catalog: Catalog): PublicPath {
  refuseOurNames(item, item.object.columns);
  refuseUnheld(item);
  refuseUnpublishable(item, catalog);
  const relation = catalog.relations[targetKey(item.target)];
  const { columns } = item.object;
  if (!relation) return { how: "create", columns, checks: [] };
  if (!isOurView(item, catalog)) return adopt(item, relation, catalog);
  const built = new Map(columns.map((column) => [column.name, column]));
  const known = new Set(relation.columns.map(({ name }) => name));
  const added = columns.filter(({ name }) => !known.has(name));
  if (relation.columns.every((column) => sameColumn(built.get(column.name), column))) {
    // New columns go last, whatever the order of the query: readers by position see no change.
    const list = [...relation.columns, ...added];
    return { how: "replace", columns: list, ...rowTypeGrows(item, relation, added), checks: [] };
  }
  const readers = [...relation.dependents.map(({ what }) => what), ...inTheWay(relation, columns)];
  if (!readers.length) return { how: "recreate", columns, ...goesAlong(item, relation, catalog), checks: [] };
  if (item.publishing.rebuildDependents) return rebuild(item, relation, catalog);
  return shim(item, relation, { built, added, readers });
}

/** A function that returns the row type may not fit it any more: it says so when it is called. */
function rowTypeGrows(item: PublishItem, relation: PublicRelation, added: readonly Column[]): Warned {
  const users = relation.dependents.flatMap(({ usesRowType, what }) => (usesRowType ? [what] : []));
  if (!users.length || !added.length) return {};
  const names = added.map(({ name }) => name).join(", ");
  return {
    warning: `${targetKey(item.target)} gets ${names}, and so does its row type, which others use: ${users.join(", ")}`,
  };
}

type Warned = Pick<PublicPath, "warning">;

/** Paths on which the relation of the public name does not stay. */
const MADE_ANEW: ReadonlySet<PublicPath["how"]> = new Set(["recreate", "rebuild", "adopt"]);

/** What a person should know of it before the rows are there: what stays as it is can be told afterwards. */
export function goesWith({ how, warning }: PublicPath): string | undefined {
  return MADE_ANEW.has(how) ? warning : undefined;
}

/** What others put on columns that are gone. */
function goesAlong(item: PublishItem, relation: PublicRelation, { manifest }: Catalog): Warned {
  const comments = othersComments(relation.comments, manifest[targetKey(item.target)]);
  const gone = goesWithColumns({ ...relation, comments }, item.object.columns);
  return gone.length ? { warning: `${targetKey(item.target)}: goes with its columns: ${gone.join(", ")}` } : {};
}

function rebuild(item: PublishItem, relation: PublicRelation, catalog: Catalog): PublicPath {
  const stuck = inTheWay(relation, item.object.columns);
  if (stuck.length) throw cannotTakeAlong(item, stuck);
  for (const dependent of relation.dependents) refuseToRebuild(item, dependent, catalog, true);
  const names = relation.dependents.map(({ what }) => what).join(", ");
  const { warning } = goesAlong(item, relation, catalog);
  return {
    how: "rebuild",
    columns: item.object.columns,
    warning: [`${targetKey(item.target)}: made anew with it: ${names}`, ...(warning ? [warning] : [])].join("; "),
    checks: [],
  };
}

interface Shim {
  readonly built: ReadonlyMap<string, Column>;
  readonly added: readonly Column[];
  /** For whom, in words. */
  readonly readers: readonly string[];
}

/** Keeps serving the old list: changed columns cast back where no value suffers, dropped ones as NULL. */
function shim(item: PublishItem, relation: PublicRelation, { built, added, readers }: Shim): PublicPath {
  const object = privateId(item.entry.object);
  const typeOf = (column: Column) => typeName(column.type, `the type of ${column.name}`);
  const served = relation.columns.map((column) => {
    const now = built.get(column.name);
    if (sameColumn(now, column)) return column;
    const collate = column.collation ? sql` collate ${collation(column.collation)}` : empty;
    const value = now ? id(column.name) : sql`null`;
    return { ...column, expression: sql`${value}::${typeOf(column)}${collate}`, was: now };
  });
  const changed = served.filter((column): column is typeof column & { was?: Column } => "expression" in column);
  // Readers cast in their own sessions: that it is the same value in ours says nothing of theirs.
  const differing = changed.flatMap(({ name, type, was }) =>
    was && castsAlike(was.type, type) === false ? [`${name} as ${type} (it is ${was.type})`] : [],
  );
  if (differing.length) {
    const settings = "would follow each reader's settings (time zone, DateStyle, extra_float_digits and the like)";
    throw shimChangesValues(item, `${differing.join(", ")} ${settings}; read by ${readers.join(", ")}`);
  }
  return {
    how: "shim",
    columns: [...served, ...added],
    ...stillServed(item, relation, { changed, readers }),
    checks: changed.flatMap(({ was, ...column }) => {
      if (!was) return [];
      const name = id(column.name);
      return [
        ...(castsAlike(was.type, column.type) === "unknown" ? [followsSession(was.type, column.type)] : []),
        sql`select 1 from ${object} where ${differ(sql`(${name}::${typeOf(column)})::${typeOf(was)}`, name)} limit 1`,
      ];
    }),
  };
}

interface Served extends Pick<Shim, "readers"> {
  readonly changed: readonly (Column & { readonly was?: Column | undefined })[];
}

/** Which of the old columns somebody reads, and who; nothing is said of the others. */
function stillServed(
  item: PublishItem,
  { dependents, ...relation }: PublicRelation,
  { changed, readers }: Served,
): Warned {
  const reads = ({ wholeRow, columns }: Dependent, name: string) => wholeRow || columns.includes(name);
  const isRead = ({ name }: Column) =>
    dependents.some((dependent) => reads(dependent, name)) || needing(relation, name).length > 0;
  const served = dependents.length ? changed.filter(isRead) : changed;
  if (!served.length) return {};
  const words = served.map(({ name, type, was }) =>
    was ? `${name} as ${type} (it is ${was.type})` : `${name} as NULL (it is gone)`,
  );
  const whom = dependents.length
    ? [
        ...dependents.filter((one) => served.some(({ name }) => reads(one, name))).map(({ what }) => what),
        ...new Set(served.flatMap(({ name }) => needing(relation, name))),
      ]
    : readers;
  const why = dependents.length ? "read it" : "put on it what no other view could be given";
  return {
    warning: `${targetKey(item.target)} goes on serving ${words.join(", ")}, because others ${why}: ${whom.join(", ")}`,
  };
}

function adopt(item: PublishItem, relation: PublicRelation, catalog: Catalog): PublicPath {
  refuseUnprotected(item, relation);
  const dependents = leftBehind(relation);
  for (const dependent of dependents) refuseToRebuild(item, dependent, catalog, false);
  const { parts, fixed } = relation;
  const stays = [...(givesParts(item, relation) ? [] : parts.map(({ kind, name }) => `${kind} ${name}`)), ...fixed];
  const { warning } = goesAlong(item, relation, catalog);
  return {
    how: "adopt",
    columns: item.object.columns,
    warning: [
      relation.unrecorded
        ? `${targetKey(item.target)}: the view that an earlier run published is made anew`
        : `${targetKey(item.target)}: the ${relation.kind} of that name is moved to ${PRIVATE_SCHEMA}.${asideName(item, catalog)}`,
      ...(item.delta?.checks ? ["its rows are what the model begins with"] : []),
      ...(dependents.length ? [`made anew on the model: ${dependents.map(({ what }) => what).join(", ")}`] : []),
      ...(stays.length ? [`with it goes ${stays.join(", ")}`] : []),
      ...(warning ? [warning] : []),
    ].join("; "),
    checks: [],
  };
}

/** Triggers and rules of a view fit another view; those of a table do not. */
export function givesParts(item: PublishItem, relation: PublicRelation): boolean {
  return relation.kind === "view" && !inTheWay(relation, item.object.columns).length;
}

/** The name under which the relation is kept that is moved aside. */
export function asideName({ target, entry }: PublishItem, { environment }: Catalog): string {
  return privateName(environment, target, entry.release, SET_ASIDE);
}

function cannotTakeAlong(item: PublishItem, stuck: readonly string[]): UserError {
  return new UserError({
    message: `${targetKey(item.target)} cannot be published: what others put on its view cannot be put on one with other columns`,
    location: { file: item.file },
    found: stuck.join(", "),
    hint: "keep the columns, or take that off the view before the run; without rebuildDependents the old columns go on",
  });
}

/** The refusal when a shim would change values that others read. */
export function shimChangesValues(item: PublishItem, found: string): UserError {
  return new UserError({
    message: `${targetKey(item.target)} cannot be published: others read columns whose new values do not fit their old type`,
    location: { file: item.file },
    found,
    hint: "keep the column's type, or let postgres: { rebuildDependents: true } make the dependents anew",
  });
}
