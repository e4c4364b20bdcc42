/** Quotes one identifier. The only quoting of identifiers in the project. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes `schema.name`. */
export function quoteTarget(target: { readonly schema: string; readonly name: string }): string {
  return `${quoteIdentifier(target.schema)}.${quoteIdentifier(target.name)}`;
}

/** Quotes a list of columns, in order. */
export function quoteList(names: readonly string[]): string {
  return names.map(quoteIdentifier).join(", ");
}

/** A text literal that is right whatever `standard_conforming_strings` says. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\\") ? `E${quoted.replaceAll("\\", "\\\\")}` : quoted;
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
