import { Type } from "typebox";
import { anyText, byDefault, closed, listOf, mapOf, oneOf, text } from "./words.ts";

/** How a value that is asked for is compared with a column. */
export const OPERATORS = ["=", "<>", "<", "<=", ">", ">=", "in", "starts with", "contains"] as const;

const parameter = closed(
  {
    column: text("the column that it filters by"),
    operator: byDefault("=", oneOf(OPERATORS, "how the column is compared with it; in takes several, with commas")),
    schema: Type.Optional(
      Type.Unsafe<Readonly<Record<string, unknown>>>({
        type: "object",
        description: "what may be asked for, as JSON Schema; what the type of the column says where it is not said",
      }),
    ),
    text: Type.Optional(anyText("what it means, in Markdown")),
    required: byDefault(
      false,
      Type.Boolean({ description: "whether a request without it is refused; one in the path always is" }),
    ),
    default: Type.Optional(anyText("what is asked for where a request does not say it")),
  },
  "a parameter in the path or in the query of the address",
);

const endpoint = closed(
  {
    path: Type.String({
      pattern: "^(?:/(?:[A-Za-z0-9._~-]+|\\{[A-Za-z_][A-Za-z0-9_]*\\}))+$",
      description: "where it answers, with its parameters in braces: /api/v1/orders/{customer}",
    }),
    title: text("what it answers, in a few words"),
    text: Type.Optional(anyText("what to know of it, in Markdown")),
    from: text("the relation of the project that is read: schema.name"),
    columns: Type.Optional(
      listOf(
        text("a column, as the database calls it"),
        "columns of the answer, in order; all of them where not said",
        {
          minItems: 1,
        },
      ),
    ),
    where: Type.Optional(text("one SQL condition on the rows, whatever is asked for")),
    parameters: Type.Optional(
      mapOf(parameter, "what a request may ask for, by name; what stands in the path must be among them"),
    ),
    order: Type.Optional(
      listOf(
        text("a column, with asc or desc: day desc"),
        "what the rows are sorted by; it ends in columns that name a row; the key of the model where not said",
        { minItems: 1 },
      ),
    ),
    limit: byDefault(100, Type.Integer({ minimum: 1, maximum: 10_000, description: "rows of a page, unless asked" })),
    most: byDefault(
      1000,
      Type.Integer({ minimum: 1, maximum: 10_000, description: "rows of a page, however many are asked for" }),
    ),
    stream: byDefault(
      true,
      Type.Boolean({ description: "whether all rows are given as CSV, NDJSON or Parquet, however many they are" }),
    ),
    cache: Type.Optional(
      Type.String({
        pattern: "^(?:release|none|[1-9]\\d{0,6}s)$",
        description:
          "how long an answer is kept: release, as long as the release is the published one; none; or so many seconds (30s) where the relation is in no release",
      }),
    ),
    access: byDefault(
      "key",
      oneOf(["key", "public"], "who may ask: whoever has a key or a token with the scope, or everybody"),
    ),
    scope: Type.Optional(text("the scope that a key needs; the name of the file where not said")),
  },
  "one address, and the rows that it answers",
);

/** A file of `serve/`. */
export const serveSchema = closed(
  {
    title: text("what the endpoints are about"),
    text: Type.Optional(anyText("what to know of them, in Markdown")),
    tags: Type.Optional(listOf(text("a tag"), "tags, by which commands select it")),
    endpoints: listOf(endpoint, "the addresses", { minItems: 1 }),
  },
  "what `dataform serve` answers to programs, from the relations of the project",
);
