import type { CursorDeclaration, RecordSchema } from "../model/declarations.ts";
import { UserError } from "../model/errors.ts";
import type { Place } from "./place.ts";

/**
 * Refuses a cursor that no load could follow, as far as the JSON Schema says so by itself. What a postgresType means (a
 * domain, an enum) only the server knows: that is checked by the load.
 */
export function checkCursor({ field, order }: CursorDeclaration, schema: RecordSchema, place: Place): void {
  const { type } = schema.columns.find(({ name }) => name === field)!;
  const properties = schema.schema.properties as Record<string, { readonly postgresType?: string }>;
  if (properties[field]!.postgresType !== undefined) return;
  const wrong = (message: string, key: "field" | "order", hint: string) =>
    new UserError({
      message: `the cursor field ${field} is ${type} in ${schema.file}, ${message}`,
      ...place.value(key),
      expected:
        "a number, a time or a date, by type, format or postgresType; a uuid, by postgresType; or a text with order: bytes",
      found: order === undefined ? type : `${type} with order: ${order}`,
      hint,
    });
  if (type === "boolean" || type === "jsonb")
    throw wrong("which no cursor can follow", "field", "follow another field");
  if (type === "text" && order === undefined)
    throw wrong(
      "which every database orders its own way",
      "field",
      "as texts 10.5 is before 9.5: give the field its type, or say cursor: { order: bytes } if its values only grow by their bytes, as ULIDs do",
    );
  if (type !== "text" && order !== undefined) throw wrong("which has an order of its own", "order", "leave order out");
}
