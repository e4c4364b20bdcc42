/** A relation by name. */
export interface Target {
  readonly schema: string;
  readonly name: string;
}

/** The one spelling of a target as a key and in messages: `schema.name`. */
export function targetKey(target: Target): string {
  return `${target.schema}.${target.name}`;
}

export function compareTargets(a: Target, b: Target): number {
  return a.schema < b.schema ? -1 : a.schema > b.schema ? 1 : a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
