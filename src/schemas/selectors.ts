import { Type } from "typebox";
import { closed, listOf, mapOf, text } from "./words.ts";

const words = (description: string) =>
  listOf(text("words as behind --select: tag:daily, +orders, path:shop,type:table"), description, { minItems: 1 });

/** `selectors.yaml`: selections that have a name. */
export const selectorsSchema = closed(
  {
    selectors: mapOf(
      closed(
        {
          description: Type.Optional(text("what it is for")),
          select: Type.Optional(words("what any of the words means; everything where it is not set")),
          exclude: Type.Optional(words("not these")),
        },
        "a selection: --select selector:name means it",
      ),
      "name: a selection",
    ),
  },
  "selections that have a name",
);
