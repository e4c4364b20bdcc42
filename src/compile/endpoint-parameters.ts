import type { WrittenEndpoint, WrittenParameter } from "../config/load-endpoints.ts";
import type { Place } from "../config/place.ts";
import { valueCheck } from "../config/value-check.ts";
import { type DeclaredParameter, OF_EVERY_ENDPOINT } from "../model/api.ts";
import { mistake } from "./mistake.ts";

/** What each parameter filters by, in the order in which they are written. */
export function readParameters({ path, parameters = {} }: WrittenEndpoint, endpoint: Place): DeclaredParameter[] {
  const inPath = new Set(namesIn(path));
  return Object.entries(parameters).map(([name, written]) => {
    const at = endpoint.in("parameters", name);
    if (!/^[A-Za-z_][A-Za-z0-9_.-]{0,62}$/.test(name))
      throw mistake({
        message: `${JSON.stringify(name)} is no name of a parameter`,
        ...at.key(),
        expected: "letters, digits, _, . and -, a letter first",
        found: name,
        hint: "give it another name",
      });
    if (OF_EVERY_ENDPOINT.includes(name))
      throw mistake({
        message: `${name} is a parameter of every endpoint already`,
        ...at.key(),
        expected: `another name than ${OF_EVERY_ENDPOINT.join(", ")}`,
        found: name,
        hint: "give it another name: its column may be called like that",
      });
    return parameterOf(name, written, inPath.has(name), at);
  });
}

function parameterOf(name: string, written: WrittenParameter, isInPath: boolean, at: Place): DeclaredParameter {
  const { column, operator = "=", schema, text, required = false, default: otherwise } = written;
  if (isInPath && otherwise !== undefined)
    throw mistake({
      message: `{${name}} stands in the path, so that it is always there`,
      ...at.key("default"),
      expected: "a default of a parameter in the query",
      found: otherwise,
      hint: "leave default out",
    });
  if (required && otherwise !== undefined)
    throw mistake({
      message: `${name} is required, and has a value where a request does not say it`,
      ...at.key("default"),
      expected: "required: true, or a default",
      found: otherwise,
      hint: "leave required or default out",
    });
  if (schema) checkSchema(schema, operator === "in" ? otherwise?.split(",") : otherwise, at);
  return {
    name,
    in: isInPath ? "path" : "query",
    column,
    operator,
    required: isInPath || required,
    ...(schema ? { schema } : {}),
    ...(text ? { text } : {}),
    ...(otherwise === undefined ? {} : { default: otherwise }),
  };
}

/** A schema that is one, and takes what it is to have where a request says nothing. */
function checkSchema(
  schema: NonNullable<WrittenParameter["schema"]>,
  otherwise: string | readonly string[] | undefined,
  at: Place,
): void {
  let check: ReturnType<typeof valueCheck>;
  try {
    check = valueCheck(schema);
  } catch (error) {
    throw mistake({
      message: "the schema is no JSON Schema of a value",
      ...at.value("schema"),
      expected: "JSON Schema of a text, a number or a boolean",
      found: (error as Error).message,
      hint: "schema: { type: integer, minimum: 1 }, or { enum: [paid, sent] }",
    });
  }
  for (const one of otherwise === undefined ? [] : [otherwise].flat()) {
    const wrong = check(one);
    if (wrong)
      throw mistake({
        message: `default ${wrong}`,
        ...at.value("default"),
        expected: "a value that its schema takes",
        found: one,
        hint: "correct default, or schema",
      });
  }
}

/** The parameters that stand in a path, as often as they do. */
export function namesIn(path: string): string[] {
  return [...path.matchAll(/\{([^}]*)\}/g)].map(([, name]) => name!);
}
