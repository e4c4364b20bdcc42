import type { BuiltObject } from "../model/catalog.ts";
import type { BuildStep, PublishItem } from "../model/plan.ts";

/** Private objects that say how a built step is published. */
export function objectsOf({ entry, delta }: BuildStep): string[] {
  const { object, storage } = entry;
  return [object, ...(storage ? [storage.table, storage.undo] : []), ...(delta ? [delta.table] : [])];
}

/**
 * A built step as it is published. Grants that post_operations gave stand on the table; the view over it is read.
 * @param objects what `objectsOf` names, as it came out of the build
 */
export function publishItem(step: BuildStep, objects: ReadonlyMap<string, BuiltObject>): PublishItem {
  const { target, file, publishing, delta } = step;
  const object = objects.get(step.entry.object)!;
  const table = step.entry.storage ? objects.get(step.entry.storage.table)! : object;
  const perReader = step.entry.perReader || object.perReader || table.perReader ? { perReader: true as const } : {};
  const unheld = whyUnheld(step, objects);
  return {
    target,
    file,
    entry: { ...step.entry, ...perReader },
    publishing,
    object: {
      name: object.name,
      columns: object.columns,
      grants: givenGrants(table, delta !== undefined),
      ...perReader,
    },
    ...(delta ? { delta } : {}),
    ...(unheld ? { unheld } : {}),
  };
}

/** A table of an earlier release may be selected from by everybody since it was published, where policies guard its rows. */
function givenGrants({ grants, perReader }: BuiltObject, isOlder: boolean): BuiltObject["grants"] {
  if (!perReader || !isOlder) return grants;
  return grants.filter(({ grantee, privilege }) => grantee !== "PUBLIC" || privilege !== "SELECT");
}

/** Why row-level security of the model would not do what it says. */
function whyUnheld(step: BuildStep, objects: ReadonlyMap<string, BuiltObject>): string | undefined {
  const all = objectsOf(step).map((name) => objects.get(name)!);
  const forcedOn = all.find((one) => one.forcedOn)?.forcedOn;
  if (forcedOn) return `forced, it hides rows from ${forcedOn}, which builds and tests what reads the model`;
  const table = step.entry.storage && objects.get(step.entry.storage.table)!;
  if (!table?.perReader) return undefined;
  const others = all.filter((one) => one !== table);
  const held = others.every(({ name, perReader, policies }) =>
    name === step.entry.object ? perReader : perReader && policies === table.policies,
  );
  return held ? undefined : "it is not on every table that holds rows of the model";
}
