import type { Explored } from "../../model/explore.ts";
import type { Target } from "../../model/target.ts";
import { placesOf } from "../../sql/places.ts";
import type { Token } from "../../sql/tokens.ts";

/** What a name in `ref()` may not have in a dashboard. */
const NOT_IN_REF = /["'`$\\]/;

/**
 * A select as a dashboard has it: what the project publishes is named by `${ref(…)}`, so that the project knows who reads it, and a
 * column that goes is an error before it is published. Pure.
 */
export function keptSelect(select: string, isOurs: (target: Target) => boolean): Explored["kept"] {
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

/** What a part of a name means: in lower case where nothing quotes it. */
function plain({ kind, text }: Token): string {
  if (kind !== "quoted") return text.toLowerCase();
  return text.slice(1, -1).replaceAll('""', '"');
}
