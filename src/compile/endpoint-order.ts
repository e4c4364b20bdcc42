import type { WrittenEndpoint } from "../config/load-endpoints.ts";
import type { Place } from "../config/place.ts";
import type { OrderColumn } from "../model/api.ts";
import type { UserError } from "../model/errors.ts";
import { type Target, targetKey } from "../model/target.ts";
import type { HeldKeys } from "./held-keys.ts";
import { mistake } from "./mistake.ts";

/** Columns with their directions; where it is a model's, they must end in what names a row. */
export function readOrder(
  { order }: WrittenEndpoint,
  at: Place,
  model: { readonly target: Target; readonly released: boolean; readonly keys: HeldKeys },
): OrderColumn[] {
  const { target: reads, released, keys } = model;
  const { unique, neverNull } = keys.of(reads);
  const key = unique.find((columns) => columns.every((column) => neverNull.has(column)));
  if (order === undefined) {
    if (!released)
      throw mistake({
        message: `${targetKey(reads)} is in no release, so that nothing here says what names a row of it`,
        ...at.value("from"),
        expected: "order: […], which ends in the columns of a unique index of the table that are not null",
        found: "no order",
        hint: "`dataform serve` looks for that index when it starts",
      });
    if (key) return key.map((column) => ({ column, descending: false, neverNull: true }));
    throw noKey(reads, keys, at.value("from"), "order: is not said, and");
  }
  const read = order.map((written, index) => {
    const [, column, direction] = /^(.*?)(?:\s+(asc|desc))?$/i.exec(written.trim())!;
    const again = order.slice(0, index).some((one) => one.trim().replace(/\s+(?:asc|desc)$/i, "") === column);
    if (again || !column)
      throw mistake({
        message: `the order has ${column || "nothing"} twice`,
        ...at.value("order", index),
        expected: "each column once",
        found: order.join(", "),
        hint: "leave one out",
      });
    return { column, descending: /^desc$/i.test(direction ?? ""), neverNull: neverNull.has(column) };
  });
  const names = new Set(read.map(({ column }) => column));
  const ends = unique.some((columns) => columns.every((column) => names.has(column) && neverNull.has(column)));
  if (released && !ends) throw noKey(reads, keys, at.value("order"), `order: ${order.join(", ")} does not end in`);
  return read;
}

/** Pages go on behind the last row of the one before: rows that are alike, or NULL, would be left out in silence. */
function noKey(reads: Target, keys: HeldKeys, at: ReturnType<Place["value"]>, found: string): UserError {
  const { unique, neverNull } = keys.of(reads);
  const nullable = [...new Set(unique.flat())].filter((column) => !neverNull.has(column));
  const model = targetKey(reads);
  const hint = nullable.length
    ? `nothing holds that ${nullable.join(" and ")} ${nullable.length > 1 ? "are" : "is"} never NULL: add ${JSON.stringify(nullable)} to assertions: { nonNull } of ${model}`
    : unique.length
      ? `end it in ${unique.map((columns) => columns.join(", ")).join(" or ")}`
      : `give ${model} assertions: { uniqueKey: […], nonNull: […] }, which hold for each release`;
  return mistake({
    message: "the rows have no order in which each has a place of its own",
    ...at,
    expected: "an order that ends in columns of which an assertion holds that they are unique and never NULL",
    found: `${found} a key of ${model}`,
    hint,
  });
}
