import type { Result } from "./selection.ts";

/** What stands under the models besides each other, and what each was built of: by that a run tells what it need not build again. */
export interface Ground {
  /** Another one where the server, its settings, or functions and types in it are others: what any model says may be another then. */
  readonly world: string;
  readonly unsteady: Unsteady;
  /** Relations that no model makes, by `schema.name`. */
  readonly relations: Readonly<Record<string, Stamp>>;
  /** Of the actions that were done and went well, by `schema.name`. */
  readonly known: Readonly<Record<string, Known>>;
  /** What came of each action of the last run that ended, by `schema.name`. */
  readonly results: Readonly<Record<string, Result>>;
}

/** What may answer otherwise where what it is given is the same. */
export interface Unsteady {
  /** By name. */
  readonly functions: readonly string[];
  /** By the signs that they are written with. */
  readonly operators: readonly string[];
  /** Types that a cast makes, or reads from a text, by such a function; by name. */
  readonly types: readonly string[];
  /** Whether such a cast is made where nobody writes one. */
  readonly casts: boolean;
}

/** A relation as it is at a moment. */
export interface Stamp {
  /** Another one where its columns, its owner, its rights or policies are others, or another relation has its name. */
  readonly shape: string;
  /** Another one where its rows may be; null where nobody can tell. */
  readonly rows: string | null;
  /** Whether a name without a schema may mean it. */
  readonly isVisible: boolean;
  /** Of a view: its query, and those of all views behind it. */
  readonly definitions?: readonly string[];
}

/** Of what an action was built, or what an assertion passed on. */
export interface Known {
  /** Hash of its code. */
  readonly code: string;
  /** Of a model: the private object that it made. */
  readonly object?: string;
  readonly world: string;
  /** Relations that its SQL names by hand, besides its dependencies: `schema.name`, or `.name` where it says no schema. */
  readonly names: readonly string[];
  /** Why its rows may be others where all that it reads is as it was. */
  readonly unsteady?: string;
  /** What it read, by `schema.name`. */
  readonly stamps: Readonly<Record<string, string>>;
}
