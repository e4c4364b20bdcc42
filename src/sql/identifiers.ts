import { createHash } from "node:crypto";
import { counted } from "../model/counted.ts";
import { UserError } from "../model/errors.ts";
import type { Target } from "../model/target.ts";
import { fixed, Identifier } from "./sql.ts";

/** PostgreSQL cuts longer names without an error, and then they mean something else. */
export const LONGEST_NAME = 63;

/**
 * A name as SQL, always quoted: `id("user")` is the column, never the session's user. Several parts are joined by dots.
 * @throws UserError for a name that PostgreSQL cannot have
 */
export function id(...parts: readonly string[]): Identifier {
  return new Identifier(fixed(parts.map((part) => `"${checked(part).replaceAll('"', '""')}"`).join(".")));
}

/** Names as a list for a hole. */
export function ids(names: readonly string[]): Identifier[] {
  return names.map((name) => id(name));
}

/** `schema.name` as SQL. */
export function relationId({ schema, name }: Target): Identifier {
  return id(schema, name);
}

function checked(name: unknown): string {
  if (typeof name !== "string") throw new TypeError(`expected a name, got ${JSON.stringify(name)}`);
  const bytes = Buffer.byteLength(name);
  if (name !== "" && !name.includes("\0") && bytes <= LONGEST_NAME) return name;
  throw new UserError({
    message: "this cannot be a name in PostgreSQL",
    expected: `1 to ${LONGEST_NAME} bytes, and no NUL`,
    found:
      name === ""
        ? "an empty name"
        : bytes > LONGEST_NAME
          ? `${name} (${counted(bytes, "byte")})`
          : JSON.stringify(name),
    hint: "give it another name",
  });
}

/** A name with a suffix, within the 63 bytes. Where it must be cut, a hash of the whole name keeps two of them apart. */
export function suffixed(name: string, suffix: string): string {
  if (Buffer.byteLength(name) + Buffer.byteLength(suffix) <= LONGEST_NAME) return `${name}${suffix}`;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return `${cutToBytes(name, LONGEST_NAME - Buffer.byteLength(suffix) - hash.length - 1)}_${hash}${suffix}`;
}

/** The longest prefix of `text` within `bytes`, cut at a character. */
export function cutToBytes(text: string, bytes: number): string {
  let used = 0;
  let kept = "";
  for (const character of text) {
    used += Buffer.byteLength(character);
    if (used > bytes) break;
    kept += character;
  }
  return kept;
}
