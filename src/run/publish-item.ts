import type { BuiltObject } from "../model/catalog.ts";
import type { BuildStep, PublishItem } from "../model/plan.ts";

/** A built step as it is published. Grants that post_operations gave stand on the table; the view over it is read. */
export function publishItem(step: BuildStep, objects: ReadonlyMap<string, BuiltObject>): PublishItem {
  const { target, file, entry, publishing, delta } = step;
  const object = objects.get(entry.object)!;
  const grants = entry.storage ? objects.get(entry.storage.table)!.grants : object.grants;
  return { target, file, entry, publishing, object: { ...object, grants }, ...(delta ? { delta } : {}) };
}
