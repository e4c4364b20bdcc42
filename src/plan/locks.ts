import type { Catalog } from "../model/catalog.ts";
import type { PublishItem } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";

/** The objects that publishing locks at least: of each model what it reads, and its view, a new one with its row type. */
export function locksToPublish(items: readonly Pick<PublishItem, "target">[], { relations }: Catalog): number {
  return items.reduce((sum, { target }) => sum + (relations[targetKey(target)] ? 2 : 3), 0);
}
