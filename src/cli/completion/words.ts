import { resolve } from "node:path";
import { Command, type Option } from "commander";
import type { CompiledGraph } from "../../model/graph.ts";
import { compileAsFarAs } from "../compiling.ts";
import type { Shell } from "../shell.ts";

/** The commands that there are; they hold the one that asks, too. */
export interface KnownCommands {
  names(): readonly string[];
  /** The command of a command line. */
  namedBy(words: readonly string[]): string | undefined;
  /** Adds one as it is. */
  add(program: Command, name: string, shell: Shell): Promise<void>;
}

/** Flags that take words which mean actions, as many as follow, and those that take names of actions or of tags only. */
const SELECTIONS = ["--select", "-s", "--exclude"];
const NAMES = ["--actions", "--output-actions"];
const TAGS = ["--tags", "--output-tags"];
/** Commands that are about one thing of the project. */
const OF_ONE = new Set(["describe", "show", "lineage"]);
const OF_ALL = ["--project-dir", "--debug", "--help", "--version"];

/**
 * What the last word of a command line may become; nothing where a file may.
 * @param given what stands behind `dataform`, the word at the cursor last
 */
export async function wordsFor(
  given: readonly string[],
  known: KnownCommands,
  shell: Shell,
): Promise<readonly string[]> {
  const current = given.at(-1) ?? "";
  const before = given.slice(0, -1);
  const found = await candidates({ before, current }, known, shell);
  return [...new Set(found)].filter((word) => word.startsWith(current)).sort();
}

/** A command line up to the word at the cursor, and what of that is typed. */
interface Line {
  readonly before: readonly string[];
  readonly current: string;
}

async function candidates({ before, current }: Line, known: KnownCommands, shell: Shell): Promise<readonly string[]> {
  const name = known.namedBy(before);
  if (name === undefined) return current.startsWith("-") ? OF_ALL : [...known.names(), "help"];
  const program = new Command();
  await known.add(program, name, shell);
  const command = before.reduce(
    (at, word) => at.commands.find((one) => one.name() === word) ?? at,
    program.commands[0]!,
  );
  const flag = current.startsWith("-") ? undefined : flagAt(before, command.options);
  if (flag) return valuesOf(flag, { before, current }, shell);
  if (!current.startsWith("-") && OF_ONE.has(name)) return namesIn(await graphOf(before, shell));
  if (!current.startsWith("-")) return command.commands.map((one) => one.name());
  return [...command.options.filter(({ hidden }) => !hidden).flatMap(({ long }) => long ?? []), ...OF_ALL];
}

/** The flag whose value the next word is. */
function flagAt(before: readonly string[], options: readonly Option[]): Option | undefined {
  const at = before.findLastIndex((word) => word.startsWith("-"));
  const flag = options.find(({ long, short }) => before[at] === long || (short && before[at] === short));
  if (!flag || flag.isBoolean()) return undefined;
  const takesMore = [...SELECTIONS, ...NAMES, ...TAGS].includes(flag.long ?? "");
  return takesMore || at === before.length - 1 ? flag : undefined;
}

async function valuesOf(
  { long = "", argChoices }: Option,
  { before, current }: Line,
  shell: Shell,
): Promise<readonly string[]> {
  const isSelection = SELECTIONS.includes(long);
  if (!isSelection && !NAMES.includes(long) && !TAGS.includes(long)) return argChoices ?? [];
  const graph = await graphOf(before, shell);
  if (!graph) return [];
  const tags = graph.actions.flatMap((action) => action.tags);
  const words = isSelection ? [...namesIn(graph), ...tags.map((tag) => `tag:${tag}`)] : namesIn(graph);
  // Behind a comma, and behind what says which neighbours are meant.
  const [start] = /^(?:.*,)?(?:@|\d*\+)?/.exec(current)!;
  return (TAGS.includes(long) ? tags : words).map((word) => `${start}${word}`);
}

/** Each action by its name; with its schema where several have that name. */
function namesIn({ actions }: Pick<CompiledGraph, "actions"> = { actions: [] }): readonly string[] {
  const names = actions.map(({ target }) => target.name);
  const several = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  return actions.flatMap(({ target: { schema, name } }) =>
    several.has(name) ? [`${schema}.${name}`] : [name, `${schema}.${name}`],
  );
}

/** As the last compilation has left it, where the project is as it was. A project that does not compile has no names. */
async function graphOf(before: readonly string[], shell: Shell): Promise<CompiledGraph | undefined> {
  const named = before[before.lastIndexOf("--project-dir") + 1];
  const projectDir = before.includes("--project-dir") && named ? resolve(shell.projectDir, named) : shell.projectDir;
  const silent: Shell = Object.create(shell, { projectDir: { value: projectDir }, say: { value: () => {} } });
  try {
    return (await compileAsFarAs(silent, {})).graph;
  } catch {
    return undefined;
  }
}
