import type { ManifestEntry, Storage, StorageShape } from "../../model/catalog.ts";
import type { Incremental } from "../../model/graph.ts";
import { targetKey } from "../../model/target.ts";
import { classify } from "../../sql/classify.ts";
import { referencesIn } from "../../sql/references.ts";
import { splitStatements } from "../../sql/split.ts";
import { meaningful } from "../../sql/tokens.ts";
import type { Resolve } from "../authored-statements.ts";
import { isPerReader } from "../row-security.ts";

/** These give a table its shape. The table of an incremental run has it already. */
const SHAPES = new Set([
  "create index",
  "alter table",
  "create trigger",
  "drop trigger",
  "create policy",
  "alter policy",
  "drop policy",
  "create rule",
  "drop rule",
  "create statistics",
  "drop statistics",
]);

export function storageShape(model: Incremental, resolve: Resolve): StorageShape {
  const statements = shapesOf(model.postOperations);
  const refersTo = statements.flatMap((text) => namedIn(text, model, resolve));
  const { version } = model.postgres;
  return {
    uniqueKey: model.uniqueKey,
    indexes: (model.postgres.indexes ?? []).map((index) => JSON.stringify(index)),
    statements: statements.map(words),
    ...(refersTo.length ? { refersTo } : {}),
    ...(version === undefined ? {} : { version: String(version) }),
  };
}

/** Another `postgres: { version }` than the rows of the table were computed for; undefined where it is the same, or none is said. */
export function versionChange(model: Incremental, { storage }: Made): string | undefined {
  const { version } = model.postgres;
  const before = storage.made?.version;
  return version === undefined || String(version) === before ? undefined : `version (${before ?? "none"} → ${version})`;
}

/** What a statement names by `ref()`, as this run calls it. */
function namedIn(text: string, { target: self }: Incremental, resolve: Resolve): string[] {
  // Without its comments.
  const said = meaningful(text).map((token) => token.text);
  const others = referencesIn(said.join("")).filter((target) => targetKey(target) !== targetKey(self));
  return others.map(resolve).flatMap(({ sql, renamed }) => (renamed ? [sql] : []));
}

type Made = Pick<ManifestEntry, "key" | "perReader"> & { readonly storage: Storage };

/** A foreign key or a policy means the rows that another model has in the same release: whether they are elsewhere now. */
export function refersElsewhere(model: Incremental, { storage }: Made, resolve: Resolve): boolean {
  return !same(storage.made?.refersTo ?? [], storageShape(model, resolve).refersTo ?? []);
}

/** What the config says of the table otherwise than it was made, each as a person calls it. */
export function shapeChanges(model: Incremental, made: Made, resolve: Resolve): string[] {
  const [before, now] = [made.storage.made, storageShape(model, resolve)];
  return [
    ...(keyChanged(model, made) ? [`uniqueKey (${named(keyBefore(made))} → ${named(now.uniqueKey)})`] : []),
    ...(!before || same(before.indexes, now.indexes) ? [] : ["indexes"]),
    ...(!before || same(before.statements, now.statements) ? [] : ["indexes and constraints of post_operations"]),
    ...(Boolean(made.perReader) === isPerReader(model) ? [] : ["row-level security"]),
  ];
}

export function keyChanged(model: Incremental, made: Made): boolean {
  return !same(keyBefore(made), model.uniqueKey);
}

function keyBefore({ storage, key = [] }: Made): readonly string[] {
  return storage.made?.uniqueKey ?? key;
}

/** The post_operations of a run that adds rows: without the indexes and constraints that the table was made with. */
export function repeatable(model: Incremental): string[] {
  const made = new Set(shapesOf(model.postOperations).map(words));
  return model.incrementalPostOperations
    .flatMap(splitStatements)
    .filter((text) => !(isShape(text) && made.has(words(text))));
}

/** The post_operations of a run that makes the table again, of the rows that it has and new ones: also what only a first run says. */
export function whenMadeAgain(model: Incremental): string[] {
  const said = model.incrementalPostOperations.flatMap(splitStatements);
  const known = new Set(said.map(words));
  return [...said, ...shapesOf(model.postOperations).filter((text) => !known.has(words(text)))];
}

/** The statements among them that give the table its shape. */
export function shapesOf(texts: readonly string[]): string[] {
  return texts.flatMap(splitStatements).filter(isShape);
}

function isShape(text: string): boolean {
  return SHAPES.has(classify(text).command);
}

function words(text: string): string {
  return meaningful(text)
    .map((token) => token.text)
    .join(" ");
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}

function named(columns: readonly string[]): string {
  return columns.join(", ") || "none";
}
