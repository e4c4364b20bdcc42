import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import { parse } from "yaml";
import { root } from "./markdown.ts";

const ajv = new Ajv({ strict: false, allErrors: true });
formats.default(ajv);
const validatorOf = (name: string) => ajv.compile(JSON.parse(readFileSync(join(root, `schemas/${name}.json`), "utf8")));
const validate = validatorOf("ingest");

const ofFiles = { name: "orders", files: "*.csv", format: "csv", table: "orders", recordSchema: "schemas/orders.json" };
const ofRest = { name: "orders", path: "/orders", table: "orders", recordSchema: "schemas/orders.json" };
const start = { version: 1, source: "shop" };

/** Where a part of a declaration can stand: what is around it is made up. */
const places: readonly ((part: object) => object)[] = [
  (part) => part,
  (part) => ({ ...start, ...part }),
  (part) => ({ ...start, streams: [ofFiles], ...part }),
  (part) => ({ ...start, streams: [ofRest], ...merged({ rest: { baseUrl: "https://a.example" } }, part) }),
  (part) => ({ ...start, rest: { baseUrl: "https://a.example", ...part }, streams: [ofRest] }),
  (part) => ({ ...start, files: { at: "https://a.example", ...part }, streams: [ofFiles] }),
  (part) => ({ ...start, files: { at: "data" }, streams: [{ ...ofFiles, ...part }] }),
  (part) => ({ ...start, rest: { baseUrl: "https://a.example" }, streams: [{ ...ofRest, ...part }] }),
  (part) => ({ ...start, rest: { baseUrl: "https://a.example" }, streams: [{ ...ofRest, ...(part as [object])[0] }] }),
];

function merged(base: { rest: object }, part: object): object {
  const { rest } = part as { rest?: object };
  return rest ? { ...part, rest: { ...base.rest, ...rest } } : { version: "no REST" };
}

/** The schemas that YAML names for editors and that are not there: VS Code looks from the folder of the file. */
export function missingSchemas(file: string, text: string): readonly string[] {
  const named = [...text.matchAll(/^# yaml-language-server: \$schema=(\S+)$/gm)].map(([, path = ""]) => path);
  return named.filter((path) => !existsSync(join(dirname(file), path)));
}

/** What the schema for editors says of a declaration, or of parts of one: the lines that begin a key each. */
export function wrongInYaml(text: string): readonly string[] {
  const whole = parse(text, { uniqueKeys: false }) as object | null;
  // A comment for editors.
  if (whole === null) return [];
  const named = /^# yaml-language-server: \$schema=.*\/(\w+)\.json$/m.exec(text)?.[1] ?? "ingest";
  if (named !== "ingest") {
    const validateNamed = validatorOf(named);
    return validateNamed(whole) ? [] : [ajv.errorsText(validateNamed.errors)];
  }
  if ("version" in whole) return validate(whole) ? [] : [ajv.errorsText(validate.errors)];
  const indent = /^ */.exec(text)![0];
  const parts =
    Array.isArray(whole) || "streams" in whole ? [text] : text.split(new RegExp(`^(?=${indent}[\\w-])`, "m"));
  return parts
    .filter((part) => part.trim())
    .filter((part) => !places.some((around) => validate(around(parse(part) as object))))
    .map((part) => `the schema takes this nowhere: ${part}`);
}
