import { restated, UserError } from "../model/errors.ts";
import { type CompiledGraph, type Incremental, isModel } from "../model/graph.ts";
import { targetKey } from "../model/target.ts";
import { balanced } from "../sql/authored.ts";
import { firstTooDeep, tooDeep } from "../sql/groups.ts";
import { placeOf } from "../sql/locate.ts";
import { plainReferences } from "../sql/references.ts";
import { splitScript } from "../sql/split.ts";
import { meaningful } from "../sql/tokens.ts";
import { endOfConfig, readLines } from "./source.ts";
import { allTexts, textsOf } from "./texts.ts";

/** A text that stands inside of a statement of ours, and what to say where it is not one statement itself. */
interface Query {
  readonly file: string;
  readonly text: string;
  /** "marts.orders: the query" */
  readonly what: string;
  readonly several: string;
  readonly none: string;
}

/** Every query of an author is one statement, and every condition on one an expression. What a test takes from its model is the model's. */
export function checkQueries(graph: CompiledGraph, projectDir: string): UserError[] {
  const deep = checkDepth(graph, projectDir);
  if (deep.length) return deep;
  const conditional = graph.actions.filter((action) => action.kind === "incremental");
  return [
    ...queriesOf(graph).flatMap((query) => checkQuery(query, graph, projectDir)),
    ...conditional.flatMap((model) => checkCondition(model, graph, projectDir)),
  ];
}

/** Before anything else: whoever looks into the parentheses would have to refuse them. */
function checkDepth(graph: CompiledGraph, projectDir: string): UserError[] {
  return allTexts(graph).flatMap(({ file, whose, text }) => {
    const offset = firstTooDeep(text);
    if (offset === undefined) return [];
    const read = (name: string) => readLines(projectDir, name);
    return [tooDeep(whose, placeOf(graph.traces, read, file, text, offset))];
  });
}

function checkCondition({ target, file, incrementalWhere: text }: Incremental, graph: CompiledGraph, dir: string) {
  if (text === undefined) return [];
  try {
    balanced(text, `${targetKey(target)}: incremental_where`, "one SQL condition");
    return [];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const read = (name: string) => readLines(dir, name);
    const place = placeOf(graph.traces, read, file, text, meaningful(text)[0]?.start ?? 0);
    return [restated(error, { found: plainReferences(text.trim()), ...place })];
  }
}

function queriesOf({ actions, tests }: CompiledGraph): Query[] {
  return [
    ...actions.flatMap((action): Query[] => {
      const what = `${targetKey(action.target)}: the query`;
      const none = action.file.endsWith(".js") ? "give it one: .query(…)" : "write the select under the config block";
      const several = isModel(action)
        ? "put the others into pre_operations or post_operations"
        : "write one select: an assertion is the rows that should not exist";
      return textsOf(action).queries.map((text) => ({ file: action.file, text, what, several, none }));
    }),
    ...tests.flatMap(({ name, file, inputs, expected }) => {
      const hint = "a test has one select for each input, and one for the rows that are expected";
      const advice = { file, several: hint, none: hint };
      return [
        ...inputs.map((text) => ({ ...advice, text, what: `test ${name}: an input` })),
        { ...advice, text: expected, what: `test ${name}: the expectation` },
      ];
    }),
  ];
}

function checkQuery(query: Query, { traces }: CompiledGraph, projectDir: string): UserError[] {
  const { file, text, what, several, none } = query;
  if (isPlainlyOne(text)) return [];
  const [first, second, ...more] = splitScript(text);
  if (first && !second) return [];
  const read = (name: string) => readLines(projectDir, name);
  const offset = second ? second.start + meaningful(second.text)[0]!.start : 0;
  const place = text ? placeOf(traces, read, file, text, offset) : { location: endOfConfig(projectDir, file) };
  if (!second) return [new UserError({ message: `${what} is empty`, ...place, hint: none })];
  const found = `${more.length + 2} statements: this one is the second`;
  return [new UserError({ message: `${what} must be one statement`, ...place, found, hint: several })];
}

/** Most are: nothing ends a statement in it, and it begins with a word. */
function isPlainlyOne(text: string): boolean {
  return !text.includes(";") && /^\s*\w/.test(text);
}
