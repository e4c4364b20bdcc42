import { basename, extname } from "node:path";
import { formatLocation, restated, type SourceLocation, type UserError } from "../model/errors.ts";
import { checkBlocks } from "./block-heads.ts";
import type { ProjectFiles } from "./project.ts";
import { missedName } from "./references.ts";
import { authorsPattern, readSource } from "./source.ts";

// One cause is one error, however many mistakes it looks like.

/**
 * What is wrong with a project: causes, without what follows from them, each once.
 * @param refused those for which something is not made: what is found wrong in the graph is there
 */
export function causesOf(errors: readonly UserError[], refused: readonly UserError[], project: ProjectFiles) {
  const blocks = project.files.filter((file) => file.endsWith(".sqlx")).flatMap((file) => checkBlocks(file, project));
  const misread = new Set(blocks.map(({ location }) => location!.file));
  const readRight = errors.filter(({ location }) => !misread.has(location?.file ?? ""));
  return together(withoutConsequences([...blocks, ...readRight], [...blocks, ...refused], project));
}

/** What a file with a mistake would have made is not missing, nor is an include that was not loaded. */
function withoutConsequences(
  errors: readonly UserError[],
  refused: readonly UserError[],
  { projectDir }: ProjectFiles,
): UserError[] {
  const files = (some: readonly UserError[]) => new Set(some.flatMap(({ location }) => location?.file ?? []));
  const faulty = files(refused.filter((error) => !missedName.has(error)));
  const broken = files(refused);
  const texts = [...faulty].map((file) => ({ file, text: readSource(projectDir, file) }));
  const makes = (name: string) =>
    texts.some(
      ({ file, text }) =>
        basename(file, extname(file)) === name || new RegExp(`["'\`]${authorsPattern(name)}["'\`]`).test(text),
    );
  return errors.filter((error) => {
    const name = missedName.get(error)?.split(".").at(-1);
    // Includes do not see each other by their names.
    const isInInclude = error.location?.file.startsWith("includes/");
    if (name === undefined) return true;
    if (/ is not defined$/.test(error.message)) return isInInclude || !broken.has(`includes/${name}.js`);
    return !makes(name);
  });
}

/** What is missing is one thing, whoever asks for it, and so is a line of an include, whoever calls it. */
function together(errors: readonly UserError[]): UserError[] {
  const groups = new Map<string, UserError[]>();
  for (const error of errors) groups.set(causeOf(error), [...(groups.get(causeOf(error)) ?? []), error]);
  return [...groups.values()].map(([first, ...others]) => {
    if (!others.length) return first!;
    // A loop asks at one place many times.
    const places = new Map([first!, ...others].flatMap(askedAt).map((place) => [formatLocation(place), place]));
    const [, ...alsoAt] = places.values();
    return restated(first!, { alsoAt });
  });
}

function causeOf(error: UserError): string {
  const { message, expected, found, hint, location } = error;
  const isMissing = missedName.has(error) || / is not a function$/.test(message);
  return JSON.stringify([message, expected, found, hint, isMissing ? undefined : location]);
}

/** The outermost place: where a file of the project asks for it. */
function askedAt({ location, calledFrom }: UserError): readonly SourceLocation[] {
  const place = calledFrom?.at(-1) ?? location;
  return place ? [place] : [];
}
