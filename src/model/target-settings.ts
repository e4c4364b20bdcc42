/** What a target of `targets.yaml` says: as if these variables were set before all others. */
export interface TargetSettings {
  readonly name: string;
  readonly said: Readonly<Record<string, string>>;
  /** Of a variable that it would say, why it cannot: told where it is asked for. */
  readonly unsaid: Readonly<Record<string, Error>>;
}
