/** A selection that has a name: words as behind `--select` and `--exclude`. */
interface NamedSelection {
  readonly select?: readonly string[];
  readonly exclude?: readonly string[];
}

export type NamedSelections = ReadonlyMap<string, NamedSelection>;
