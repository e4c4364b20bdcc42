import type { ManifestEntry, PublicRelation } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import { isShown, type Model, type Stored } from "../model/graph.ts";
import type { PublishItem, Statement } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";
import { classify } from "../sql/classify.ts";
import { splitStatements } from "../sql/split.ts";
import { meaningful } from "../sql/tokens.ts";
import { authoredAll, type Resolve } from "./authored-statements.ts";

// Policies bind whoever reads: a public view over such a model reads with the rights of its reader (security_invoker), and
// everybody may select from the private table, which nobody can name. With the rights of its owner it would show all rows,
// or, forced on an owner, only what policies for that owner allow: those `to` a role would hold for nobody.

/** What post_operations say of who may read which rows, statement by statement. */
function rowSecurityOf({ postOperations }: Stored): string[] {
  return postOperations.flatMap(splitStatements).filter((text) => {
    const { command } = classify(text);
    return command.endsWith(" policy") || (command === "alter table" && says(text, "row level security"));
  });
}

/** Whether rows of the model depend on who reads it, as far as its code says so. */
export function isPerReader(model: Model): boolean {
  return isShown(model) ? asksReader(model) : rowSecurityOf(model).some((text) => says(text, "enable row level"));
}

/** `alter view ${self()} set (security_invoker = true)` */
function asksReader({ postOperations }: Model): boolean {
  return postOperations
    .flatMap(splitStatements)
    .some((text) => classify(text).command === "alter view" && says(text, "set ( security_invoker"));
}

function says(text: string, words: string): boolean {
  return meaningful(text)
    .map((token) => token.text.toLowerCase())
    .join(" ")
    .includes(words);
}

/** The same protection for another table that holds rows of the model. */
export function protect(model: Stored, resolve: Resolve): Statement[] {
  return authoredAll(model.file, rowSecurityOf(model), resolve);
}

/** @throws UserError where policies would bind others than the model's readers, or not all of those. */
export function refuseUnheld({ target, file, unheld }: PublishItem): void {
  if (!unheld) return;
  throw new UserError({
    message: `${targetKey(target)} cannot be published: its row-level security would not hold as it is written`,
    location: { file },
    expected:
      "`alter table ${self()} enable row level security` and `create policy … on ${self()}` in post_operations, word for word",
    found: unheld,
    hint: "leave out FORCE: readers of the public view are bound without it; write the statements plainly, not in a function or block",
  });
}

/** @throws UserError where readers would be shown rows that the relation they read now keeps from them. */
export function refuseUnprotected({ target, file, object }: PublishItem, { kind, rowSecurity }: PublicRelation): void {
  if (!rowSecurity || object.perReader) return;
  throw new UserError({
    message: `${targetKey(target)} cannot take the place of the ${kind}: that has row-level security, and the model has none`,
    location: { file },
    hint: "write the policies of the table in post_operations of the model: create policy … on ${self()}",
  });
}

/** The options of the public view, where it had these. */
export function optionsFor(item: PublishItem, had: readonly string[], before: ManifestEntry | undefined): string[] {
  const others = had.filter((option) => !option.startsWith(INVOKER));
  if (item.object.perReader) return [...others, `${INVOKER}true`];
  return before?.perReader ? others : [...had];
}

const INVOKER = "security_invoker=";

export function asksForRights(options: readonly string[]): boolean {
  return options.some((option) => option.startsWith(INVOKER) && !/=(?:false|off|no|0)$/i.test(option));
}

/** Models that have the rows of protected ones whoever reads them: they are built with all rows. */
export function unprotectedReaders(models: readonly Model[]): string[] {
  const protectedKeys = new Set(models.filter(isPerReader).map(({ target }) => targetKey(target)));
  return models.flatMap((model) => {
    const reads = model.dependencies.map(targetKey).filter((key) => protectedKeys.has(key));
    if (!reads.length || isPerReader(model)) return [];
    return [
      `${model.file}: ${targetKey(model.target)} shows rows of ${reads.join(", ")} to all its readers: row-level security there does not hold here`,
    ];
  });
}
