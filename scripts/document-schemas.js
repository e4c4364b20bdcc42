// What `--json` prints as JSON Schemas, made of the types that the program is checked against: no second list can differ.
import { writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const declared = resolve(root, "src/cli/documents.ts");

/** Fields that hold rows of a relation: a text each in the program, and an object in what is printed (`reportJson`). */
const ROWS = new Set(["failingRows", "missing", "unexpected"]);

/** The text of every `schemas/<name>.json` that tells of a document, by its name. */
export function documentSchemas() {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(resolve(root, "tsconfig.json"), ts.sys.readFile).config,
    ts.sys,
    root,
  );
  const program = ts.createProgram([declared], { ...options, skipLibCheck: true, types: [] });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(declared);
  const list = source.statements.find((one) => ts.isInterfaceDeclaration(one) && one.name.text === "Documents");
  const documents = checker.getTypeAtLocation(list).getProperties();
  return Object.fromEntries(
    documents.map((symbol) => [symbol.name, `${JSON.stringify(documentSchema(symbol, checker), null, 2)}\n`]),
  );
}

function documentSchema(symbol, checker) {
  const definitions = {};
  const { description: _, ...schema } = schemaOf(checker.getTypeOfSymbol(symbol), {
    checker,
    definitions,
    named: true,
  });
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: `dataform-postgres ${symbol.name}`,
    description: descriptionOf(symbol, checker),
    ...schema,
    ...(Object.keys(definitions).length ? { definitions } : {}),
  };
}

/** Types that have a name are told once; `named` is the document itself, which stands where it is. */
function schemaOf(type, { checker, definitions, named = false }) {
  const symbol = type.aliasSymbol ?? (type.objectFlags & ts.ObjectFlags.Interface ? type.symbol : undefined);
  const isOurs = symbol?.declarations?.[0].getSourceFile().fileName.startsWith(resolve(root, "src"));
  if (named || !isOurs || type.aliasTypeArguments?.length || type.typeArguments?.length || isPlain(type))
    return shapeOf(type, { checker, definitions });
  if (!Object.hasOwn(definitions, symbol.name)) {
    definitions[symbol.name] = {};
    const description = descriptionOf(symbol, checker);
    const shape = shapeOf(type, { checker, definitions });
    definitions[symbol.name] = { ...(description ? { description } : {}), ...shape };
  }
  return { $ref: `#/definitions/${symbol.name}` };
}

function isPlain(type) {
  return !(type.flags & (ts.TypeFlags.Object | ts.TypeFlags.UnionOrIntersection));
}

function shapeOf(type, about) {
  const { checker } = about;
  const { flags } = type;
  if (flags & ts.TypeFlags.Null) return { type: "null" };
  if (flags & ts.TypeFlags.StringLiteral) return { const: type.value };
  if (flags & ts.TypeFlags.NumberLiteral) return { const: type.value };
  if (flags & ts.TypeFlags.BooleanLiteral) return { const: type.intrinsicName === "true" };
  if (flags & ts.TypeFlags.String) return { type: "string" };
  if (flags & ts.TypeFlags.Number) return { type: "number" };
  if (flags & ts.TypeFlags.Boolean) return { type: "boolean" };
  if (flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return {};
  if (type.isUnion()) return unionOf(type, about);
  if (checker.isTupleType(type)) return tupleOf(type, about);
  if (checker.isArrayType(type)) return { type: "array", items: schemaOf(checker.getTypeArguments(type)[0], about) };
  return objectOf(type, about);
}

function unionOf({ types }, about) {
  const some = types.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined));
  const literals = some.filter((one) => one.isStringLiteral() || one.isNumberLiteral());
  const booleans = some.filter(({ flags }) => flags & ts.TypeFlags.BooleanLiteral);
  const others = some.filter((one) => !literals.includes(one) && !booleans.includes(one));
  const parts = [
    ...(literals.length > 1
      ? [{ enum: literals.map(({ value }) => value).sort() }]
      : literals.map(({ value }) => ({ const: value }))),
    ...(booleans.length > 1 ? [{ type: "boolean" }] : booleans.map((one) => shapeOf(one, about))),
    ...others.map((one) => schemaOf(one, about)),
  ];
  return parts.length === 1 ? parts[0] : { anyOf: parts };
}

function tupleOf(type, about) {
  const { checker } = about;
  const items = checker.getTypeArguments(type).map((one) => schemaOf(one, about));
  return { type: "array", items, minItems: type.target.minLength, additionalItems: false };
}

function objectOf(type, about) {
  const { checker } = about;
  const symbols = checker.getPropertiesOfType(type);
  const properties = Object.fromEntries(symbols.map((symbol) => [symbol.name, propertyOf(symbol, about)]));
  const required = symbols.filter((symbol) => !isOptional(symbol, checker)).map(({ name }) => name);
  const [index] = checker.getIndexInfosOfType(type);
  return {
    type: "object",
    ...(symbols.length ? { properties } : {}),
    ...(required.length ? { required } : {}),
    ...(index ? { additionalProperties: schemaOf(index.type, about) } : {}),
  };
}

function propertyOf(symbol, about) {
  const { checker } = about;
  const description = descriptionOf(symbol, checker);
  const shape = ROWS.has(symbol.name)
    ? { type: "array", items: { type: "object" } }
    : schemaOf(checker.getTypeOfSymbol(symbol), about);
  if (!description) return shape;
  // Beside a $ref nothing counts, by draft 7.
  return "$ref" in shape ? { description, allOf: [shape] } : { description, ...shape };
}

function isOptional(symbol, checker) {
  if (symbol.flags & ts.SymbolFlags.Optional) return true;
  const { flags, types = [] } = checker.getTypeOfSymbol(symbol);
  return Boolean((flags | types.reduce((all, one) => all | one.flags, 0)) & ts.TypeFlags.Undefined);
}

function descriptionOf(symbol, checker) {
  const text = ts
    .displayPartsToString(symbol.getDocumentationComment(checker))
    .replaceAll(/\s*\n\s*/g, " ")
    .trim();
  return text || undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const [name, text] of Object.entries(documentSchemas()))
    writeFileSync(resolve(root, `schemas/${name}.json`), text);
