import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { CompletionItem, Hover, Location, Position } from "vscode-languageserver";
import type { Action } from "../../model/graph.ts";
import { targetKey } from "../../model/target.ts";
import type { DescribedRelation } from "../describe/described.ts";
import type { EditedProject } from "./project.ts";
import { meantBy, ownName, referencesIn } from "./references.ts";
import { Text } from "./text.ts";
import { aliasesIn, referenceAt, typedAt, wordAround } from "./words.ts";

/** A place in a file of the project, as it stands in the editor. */
export interface At {
  readonly file: string;
  readonly text: string;
  readonly position: Position;
}

/** As the protocol counts kinds of what completes. */
const KINDS = { relation: 7, column: 5 } as const;

export const uriOf = (projectDir: string, file: string): string => pathToFileURL(join(projectDir, file)).href;

/** The action that the reference at a place means, or whose own name stands there. */
export function actionAt({ file, text, position }: At, project: EditedProject): Action | undefined {
  const { graph } = project;
  if (!graph) return undefined;
  const offset = new Text(text).offsetAt(position);
  const reference = referenceAt(file, text, offset);
  const key = reference && meantBy(reference, graph);
  if (key !== undefined) return graph.actions.find(({ target }) => targetKey(target) === key);
  return graph.actions.find((action) => {
    if (action.file !== file || action.kind === "assertion") return false;
    const own = ownName(text, action.target);
    return own !== undefined && own.start <= offset && offset <= own.end;
  });
}

/** Where a relation is made: its config or call, or the declaration that lands it. */
export function definitionAt(at: At, project: EditedProject, projectDir: string): Location | null {
  const action = actionAt(at, project);
  if (!action) return null;
  const file = action.kind === "declaration" ? (action.landedBy ?? action.file) : action.file;
  const text = new Text(project.read(file));
  const own = ownName(text.text, action.target);
  return { uri: uriOf(projectDir, file), range: text.range(own?.start ?? 0, own?.end ?? 0) };
}

/** Every place that names a relation. */
export function referencesAt(at: At, project: EditedProject, { projectDir, files }: Among): Location[] {
  const action = actionAt(at, project);
  if (!action) return [];
  const key = targetKey(action.target);
  return files.flatMap((file) => {
    const text = new Text(project.read(file));
    return referencesIn(file, text.text)
      .filter((one) => meantBy(one, project.graph!) === key)
      .map(({ nameStart, nameEnd }) => ({ uri: uriOf(projectDir, file), range: text.range(nameStart, nameEnd) }));
  });
}

/** The files of a project that may name relations. */
export interface Among {
  readonly projectDir: string;
  readonly files: readonly string[];
}

/** What a relation is, or a column of one that the file reads. */
export async function hoverAt(at: At, project: EditedProject): Promise<Hover | null> {
  const action = actionAt(at, project);
  if (action) {
    const described = await project.describe(targetKey(action.target));
    return described ? markdown(relationText(described)) : null;
  }
  const word = wordAround(at.text, new Text(at.text).offsetAt(at.position));
  if (!word || !project.graph) return null;
  const lines: string[] = [];
  for (const described of await readRelations(at, project, word.of)) {
    const column = described.columns.find(({ name }) => name === word.word);
    if (column) lines.push(`**${described.name}.${column.name}**${columnText(column)}`);
  }
  return lines.length ? markdown(lines.join("\n\n")) : null;
}

/** What a file reads, or what one word of it means. */
async function readRelations(
  { file, text }: At,
  project: EditedProject,
  of: string | undefined,
): Promise<readonly DescribedRelation[]> {
  const aliases = aliasesIn(file, text, project.graph!);
  const one = of === undefined ? undefined : aliases.get(of);
  const keys = of === undefined ? [...new Set(aliases.values())] : one === undefined ? [] : [one];
  const found = await Promise.all(keys.map((key) => project.describe(key)));
  return found.filter((described) => described !== undefined);
}

const markdown = (value: string): Hover => ({ contents: { kind: "markdown", value } });

type Column = DescribedRelation["columns"][number];

function columnText({ type, key, notNull, tested, description }: Column): string {
  const holds = [...(key ? ["key"] : []), ...tested, ...(notNull && !tested.includes("not null") ? ["not null"] : [])];
  const about = [...(type === undefined ? [] : [`\`${type}\``]), ...holds].join(", ");
  return `${about && ` ${about}`}${description ? `: ${description}` : ""}`;
}

function relationText({ name, kind, state, description, columns, file }: DescribedRelation): string {
  const head = `**${name}** ${[kind, ...(state ? [state] : [])].join(", ")}`;
  const list = columns.map((column) => `- \`${column.name}\`${columnText(column)}`).join("\n");
  return [head, description ?? "", list, file === undefined ? "" : `*${file}*`].filter(Boolean).join("\n\n");
}

/** Names of relations in `ref()`, and columns of what the file reads. */
export async function completionAt({ file, text, position }: At, project: EditedProject): Promise<CompletionItem[]> {
  const typed = typedAt(file, text.slice(0, new Text(text).offsetAt(position)));
  if (!typed || !project.graph) return [];
  if (typed.what === "relation") {
    const { schema } = typed;
    return project.named
      .filter(({ target }) => schema === undefined || target.schema === schema)
      .map(({ target, kind, description }) => ({
        label: target.name,
        kind: KINDS.relation,
        detail: `${targetKey(target)}, ${kind}`,
        ...(description ? { documentation: description } : {}),
      }));
  }
  const relations = await readRelations({ file, text, position }, project, typed.of);
  return relations.flatMap(({ name: relation, columns }) =>
    columns.map(({ name, type, description }) => ({
      label: name,
      kind: KINDS.column,
      detail: type === undefined ? relation : `${type}, ${relation}`,
      ...(description ? { documentation: description } : {}),
    })),
  );
}
