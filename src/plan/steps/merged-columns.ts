import type { Column } from "../../model/catalog.ts";
import { UserError } from "../../model/errors.ts";
import type { Incremental } from "../../model/graph.ts";
import { targetKey } from "../../model/target.ts";
import type { DeltaColumn } from "../../sql/delta.ts";
import { wider } from "../../sql/types.ts";

/**
 * The columns the table has after this run, as `onSchemaChange` says. Where the types of a column differ, the table takes
 * the one that has all values of both; `synchronize` takes the new one.
 */
export function mergeColumns(model: Incremental, before: readonly Column[], now: readonly Column[]): DeltaColumn[] {
  const policy = model.onSchemaChange;
  const given = new Map(now.map((column) => [column.name, column]));
  const known = new Set(before.map(({ name }) => name));
  const added = now.filter(({ name }) => !known.has(name));
  const missing = before.filter(({ name }) => !given.has(name));
  const retyped = before.filter(({ name, type }) => given.has(name) && given.get(name)!.type !== type);
  const refused = policy === "fail" ? [...added, ...missing, ...retyped] : policy === "ignore" ? missing : [];
  if (refused.length) throw columnsChanged(model, refused, { added, missing, retyped });
  const changes = retyped.map((column): TypeChange => ({ column, now: given.get(column.name)! }));
  const bent = changes.filter(({ column, now }) => wider(column.type, now.type) === undefined);
  if (bent.length && policy !== "synchronize") throw typesChanged(model, bent);
  const kept = policy === "synchronize" ? before.filter(({ name }) => given.has(name)) : before;
  return [
    ...kept.map((column): DeltaColumn => {
      const inDelta = given.get(column.name);
      const result = !inDelta ? column : policy === "synchronize" ? inDelta : widened(column, inDelta);
      return { ...result, inStorage: column, inDelta };
    }),
    ...(policy === "ignore" ? [] : added.map((column) => ({ ...column, inDelta: column }))),
  ];
}

interface TypeChange {
  /** As the table has it. */
  readonly column: Column;
  readonly now: Column;
}

function widened(column: Column, now: Column): Column {
  return { ...column, type: wider(column.type, now.type)! };
}

export function sameColumns(columns: readonly DeltaColumn[], before: readonly Column[]): boolean {
  return (
    columns.length === before.length &&
    columns.every(({ name, type, collation }, index) => {
      const column = before[index]!;
      return column.name === name && column.type === type && column.collation === collation;
    })
  );
}

function typesChanged(model: Incremental, changes: readonly TypeChange[]): UserError {
  const list = (side: keyof TypeChange) =>
    changes.map((change) => `"${change[side].name}" ${change[side].type}`).join(", ");
  const [first] = changes;
  return new UserError({
    message: `${targetKey(model.target)}: the query gives ${list("now")}, and not every such value fits the table unchanged`,
    location: { file: model.file },
    expected: `${list("column")}, or a type that all its values are values of`,
    found: list("now"),
    hint: `cast in the query: "${first!.now.name}"::${first!.column.type}; onSchemaChange: "synchronize" takes the new type; --full-refresh starts afresh`,
  });
}

function columnsChanged(
  model: Incremental,
  refused: readonly Column[],
  changes: Readonly<Record<"added" | "missing" | "retyped", readonly Column[]>>,
): UserError {
  const list = (columns: readonly Column[]) => columns.map(({ name }) => name).join(", ");
  const found = Object.entries(changes).flatMap(([what, columns]) =>
    columns.length ? [`${what}: ${list(columns)}`] : [],
  );
  return new UserError({
    message: `${targetKey(model.target)}: the query no longer fits the table it adds to (${list(refused)})`,
    location: { file: model.file },
    expected: `the columns of the table, because onSchemaChange is "${model.onSchemaChange}"`,
    found: found.join("; "),
    hint: 'onSchemaChange: "extend" takes new columns, "synchronize" takes all changes, --full-refresh starts afresh',
  });
}
