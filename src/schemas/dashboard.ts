import { type Static, type TProperties, type TSchema, Type } from "typebox";
import { anyText, closed, listOf, oneOf, text } from "./words.ts";

/** A name, or an object that says more of it: what is wrong in one is told of the object, not of all that might have stood there. */
function nameOr<Properties extends TProperties>(properties: Properties, description: string, rules: object = {}) {
  const { properties: known, required } = Type.Object(properties);
  return Type.Unsafe<string | Static<ReturnType<typeof Type.Object<Properties>>>>({
    type: ["string", "object"],
    minLength: 1,
    properties: known,
    ...(required ? { required } : {}),
    additionalProperties: false,
    description,
    ...rules,
  });
}

/** One, or a list of such. */
function oneOrSeveral<Item extends TSchema>(item: Item, description: string) {
  const { type, ...rules } = item as unknown as { type: string | readonly string[] };
  return Type.Unsafe<Static<Item> | readonly Static<Item>[]>({
    ...rules,
    type: [...[type].flat(), "array"],
    items: item,
    minItems: 1,
    description,
  });
}

const column = text("a column, as the database calls it");

/** How figures are shown. */
const shown = {
  format: Type.Optional(
    oneOf(
      ["integer", "number", "percent", "currency"],
      "how figures are shown: integer without digits behind the point, percent a share as hundredths, currency with its code",
    ),
  ),
  decimals: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 20,
      description: "digits behind the point; where not said as many as there are, or as the currency has",
    }),
  ),
  currency: Type.Optional(
    nameOr(
      { column },
      "the currency of amounts: a code such as EUR, or { column: … } that has it; amounts in two currencies are never added up",
    ),
  ),
  unit: Type.Optional(text("what stands behind the figure: °C, days")),
};

const aggregate = oneOf(
  ["sum", "min", "max"],
  "what is made of the rows that are left of the filters, of each x and series",
);

const measure = nameOr(
  {
    column: Type.Optional(column),
    ratio: Type.Optional(
      closed(
        { of: column, over: column },
        "the sum of one column over the sum of another, of the rows that are left of the filters",
      ),
    ),
    label: Type.Optional(text("how it is called")),
    aggregate: Type.Optional(aggregate),
    ...shown,
  },
  "a column, or { column: … } or { ratio: { of: …, over: … } } with what else is said of it",
);

const day = Type.String({
  pattern: "^\\d{4}-\\d\\d-\\d\\d$",
  description: "a day, YYYY-MM-DD",
  examples: ["2026-01-31"],
});

const filter = closed(
  {
    column: text("a column of every panel that it applies to"),
    label: Type.Optional(text("how it is called")),
    dates: Type.Optional(
      Type.Unsafe<string | { readonly from?: string; readonly to?: string }>({
        type: ["string", "object"],
        pattern: "^(?:all|last [1-9]\\d{0,3} (?:day|week|month|year)s?)$",
        properties: { from: Type.Optional(day), to: Type.Optional(day) },
        additionalProperties: false,
        minProperties: 1,
        examples: ["last 28 days"],
        description:
          "the days chosen at first: all, last 28 days (weeks, months, years; counted back from the last day of the data), or { from: …, to: … }",
      }),
    ),
    values: Type.Optional(
      Type.Unsafe<"all" | readonly string[]>({
        type: ["string", "array"],
        pattern: "^all$",
        examples: ["all"],
        items: anyText("a value of the column"),
        minItems: 1,
        description: "the values chosen at first: all, or a list of them",
      }),
    ),
  },
  "what a reader may choose: dates or values of a column",
);

const panel = closed(
  {
    title: text("what the panel says, above it"),
    text: Type.Optional(anyText("what to read from it, in Markdown")),
    chart: oneOf(["line", "bar", "area", "scatter", "heat", "number", "table"], "how it is drawn"),
    width: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 4,
        description: "quarters of the page; half of it where not said, all for a table",
      }),
    ),
    from: Type.Optional(text("the relation of the project that is read: schema.name")),
    select: Type.Optional(text('one select, which names relations as ${ref("schema", "name")}')),
    where: Type.Optional(text("one SQL condition on the rows")),
    filters: Type.Optional(listOf(column, "columns of the filters that apply; all of them where not said")),
    x: Type.Optional(
      oneOrSeveral(
        measure,
        "what stands along the chart; of a table its first columns, one or several; of a scatter chart a figure",
      ),
    ),
    y: oneOrSeveral(measure, "the figures"),
    series: Type.Optional(
      nameOr(
        { column, label: Type.Optional(text("how it is called")) },
        "the column whose values are a line, a colour or a row each",
      ),
    ),
    aggregate: Type.Optional(aggregate),
    order: Type.Optional(
      oneOrSeveral(
        text("a column or the label of a figure, with asc or desc: spend desc"),
        "what the rows are sorted by",
      ),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: "so many rows, the first ones" })),
    compare: Type.Optional(
      oneOf(
        ["previous period"],
        "beside each figure that of the period before: the same days of months before, or as many days",
      ),
    ),
    ...shown,
  },
  "one chart, number or table",
);

/** A file of `dashboards/`. */
export const dashboardSchema = closed(
  {
    title: text("what the dashboard is called"),
    text: Type.Optional(anyText("what it answers, in Markdown")),
    tags: Type.Optional(listOf(text("a tag"), "tags, by which commands select it")),
    filters: Type.Optional(listOf(filter, "what a reader may choose, in order")),
    panels: listOf(panel, "what is shown, in order", { minItems: 1 }),
  },
  "charts, numbers and tables over the marts of the project",
);
