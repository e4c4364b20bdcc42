import { posix } from "node:path";
import type { Range, TextEdit } from "vscode-languageserver";
import { UserError } from "../../model/errors.ts";
import { type Action, isModel } from "../../model/graph.ts";
import { targetKey } from "../../model/target.ts";
import { type Among, type At, actionAt } from "./features.ts";
import type { EditedProject } from "./project.ts";
import { meantBy, ownName, referencesIn } from "./references.ts";
import { Text } from "./text.ts";
import type { Texts } from "./unsaved.ts";
import { referenceAt } from "./words.ts";

/** What of the project becomes another one: texts, by their files, and a file that has the model's name. */
export interface Renamed {
  readonly edits: ReadonlyMap<string, readonly TextEdit[]>;
  readonly file?: { readonly from: string; readonly to: string };
}

/** The name at a place that may be another one; null where there is none. */
export function renameableAt(at: At, project: EditedProject): { range: Range; placeholder: string } | null {
  const action = actionAt(at, project);
  if (!action || !isRenameable(action)) return null;
  const text = new Text(at.text);
  const reference = referenceAt(at.file, at.text, text.offsetAt(at.position));
  const own = ownName(at.text, action.target);
  const [start, end] = reference ? [reference.nameStart, reference.nameEnd] : [own!.start, own!.end];
  return { range: text.range(start, end), placeholder: at.text.slice(start, end) };
}

/** What somebody else fills has the name that they gave it. */
function isRenameable(action: Action): boolean {
  return isModel(action) || action.kind === "operations";
}

/**
 * The model at a place under another name, and everything of the project that names it.
 * @throws UserError where there is none, or the name is none
 */
export function renamed(at: At, name: string, project: EditedProject, { files }: Among): Renamed {
  const action = actionAt(at, project);
  if (!action || !isRenameable(action)) throw new UserError({ message: "there is no model here that has a name" });
  if (!/^[\p{L}_][\p{L}\p{N}_$]*$/u.test(name))
    throw new UserError({ message: "that is no name of a model", expected: "letters, digits and _", found: name });
  const key = targetKey(action.target);
  const taken = project.graph!.actions.find(
    ({ target }) => target.schema === action.target.schema && target.name === name,
  );
  if (taken)
    throw new UserError({ message: `${targetKey(taken.target)} is there already`, location: { file: taken.file } });
  const edits = new Map<string, TextEdit[]>();
  const replace = (file: string, text: Text, start: number, end: number) =>
    edits.set(file, [...(edits.get(file) ?? []), { range: text.range(start, end), newText: name }]);
  for (const file of files) {
    const text = new Text(project.read(file));
    for (const one of referencesIn(file, text.text))
      if (meantBy(one, project.graph!) === key) replace(file, text, one.nameStart, one.nameEnd);
  }
  const source = new Text(project.read(action.file));
  const own = ownName(source.text, action.target);
  if (own) {
    replace(action.file, source, own.start, own.end);
    return { edits };
  }
  const { dir, base, ext } = posix.parse(action.file);
  if (base !== `${action.target.name}${ext}`)
    throw new UserError({
      message: `where ${key} has its name from is not plain`,
      location: { file: action.file },
      hint: "give it a `name` in its config, or rename it by hand",
    });
  return { edits, file: { from: action.file, to: posix.join(dir, `${name}${ext}`) } };
}

/** The texts of a project after a change: what is tried before anything is changed. Pure. */
export function textsAfter({ edits, file }: Renamed, read: (file: string) => string): Texts {
  const after = new Map<string, string | undefined>();
  for (const [path, all] of edits) {
    const text = new Text(read(path));
    const last = [...all].sort((a, b) => text.offsetAt(b.range.start) - text.offsetAt(a.range.start));
    after.set(
      path,
      last.reduce(
        (now, { range, newText }) =>
          now.slice(0, text.offsetAt(range.start)) + newText + now.slice(text.offsetAt(range.end)),
        text.text,
      ),
    );
  }
  if (file) after.set(file.to, after.get(file.from) ?? read(file.from)).set(file.from, undefined);
  return after;
}
