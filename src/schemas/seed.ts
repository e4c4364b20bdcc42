import { Type } from "typebox";
import { formats } from "./ingest/formats.ts";
import { anyText, closed, mapOf, name, text } from "./words.ts";

/** The YAML beside a CSV in `seeds/`, of the same name. */
export const seedSchema = closed(
  {
    schema: Type.Optional(name("the schema of the table; the project's where it is not set")),
    description: Type.Optional(anyText("what the table holds")),
    columns: Type.Optional(mapOf(anyText("what it holds"), "column: its description")),
    types: Type.Optional(
      mapOf(text("a type of PostgreSQL"), "column: its type, where it is not the one that is found"),
    ),
    csv: Type.Optional(closed(formats.csv.properties, "how the CSV is written, where it is not as it was found")),
  },
  "what a CSV does not say itself",
);
