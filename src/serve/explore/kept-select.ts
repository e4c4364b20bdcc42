import type { Explored } from "../../model/explore.ts";
import type { Target } from "../../model/target.ts";
import { asWritten } from "../../sql/authored.ts";
import { id } from "../../sql/identifiers.ts";
import { placesOf } from "../../sql/places.ts";
import { sql } from "../../sql/sql.ts";
import type { Token } from "../../sql/tokens.ts";

/** What a name in `ref()` may not have in a dashboard. */
const NOT_IN_REF = /["'`$\\]/;

/**
 * A select as a dashboard has it: what the project publishes is named by `${ref(…)}`, so that the project knows who reads it, and a
 * column that goes is an error before it is published. Pure.
 */
export function keptSelect(
  select: string,
  isOurs: (target: Target) => boolean,
): { readonly select: string } | { readonly why: string } {
  // A panel has no other placeholders, in texts neither.
  if (select.includes("${")) return { why: "it has ${ in it, which begins a placeholder in a dashboard" };
  const edits = placesOf(select).flatMap(({ use, name }) => {
    const [schema, relation, ...more] = name.map(plain);
    if ((use !== "read" && use !== "table") || schema === undefined || relation === undefined || more.length) return [];
    if (NOT_IN_REF.test(schema + relation) || !isOurs({ schema, name: relation })) return [];
    const last = name.at(-1)!;
    return [
      {
        start: name[0]!.start,
        end: last.start + last.text.length,
        text: `\${ref(${JSON.stringify(schema)}, ${JSON.stringify(relation)})}`,
      },
    ];
  });
  edits.sort((one, other) => other.start - one.start);
  return {
    select: edits.reduce((text, { start, end, text: by }) => text.slice(0, start) + by + text.slice(end), select),
  };
}

/** The same, and once more with a column besides that says in which place each row comes, unlike the others. */
export function withPlaced(
  kept: ReturnType<typeof keptSelect>,
  columns: readonly { readonly name: string }[],
): Explored["kept"] {
  if ("why" in kept) return kept;
  let column = "place";
  for (let n = 2; columns.some(({ name }) => name === column); n++) column = `place_${n}`;
  const select = sql`
    select answer.*, row_number() over () as ${id(column)}
    from (
      ${asWritten(kept.select)}
    ) as answer`;
  return { ...kept, placed: { select: select.toString(), column } };
}

/** What a part of a name means: in lower case where nothing quotes it. */
function plain({ kind, text }: Token): string {
  if (kind !== "quoted") return text.toLowerCase();
  return text.slice(1, -1).replaceAll('""', '"');
}
