import type { UserErrorDetails } from "../../model/errors.ts";

export type Level = "ok" | "warning" | "error";

/** What one check found. */
export interface Finding {
  readonly group: "program" | "project" | "connection" | "server" | "rights" | "environment";
  readonly check: string;
  readonly level: Level;
  readonly found: string;
  /** What to do about it. */
  readonly cure?: string;
  /** The mistakes of the project, one by one. */
  readonly errors?: readonly UserErrorDetails[];
}

/** What `dataform doctor` says. */
export interface Diagnosis {
  readonly version: 1;
  /** The worst of the findings. */
  readonly status: Level;
  readonly findings: readonly Finding[];
}

type Judged = Omit<Finding, "group">;

export function ok(check: string, found: string): Judged {
  return { check, level: "ok", found };
}

export function warning(check: string, found: string, cure: string): Judged {
  return { check, level: "warning", found, cure };
}

/** What a command would have ended with. */
export function failed(check: string, error: UserErrorDetails, level: Level = "error"): Judged {
  const { message, found, expected, hint } = error;
  const seen = found === undefined ? [] : [expected === undefined ? found : `found ${found}`];
  const details = [...(expected === undefined ? [] : [`expected ${expected}`]), ...seen].join(", ");
  return {
    ...{ check, level },
    found: details === "" ? message : `${message}: ${details}`,
    ...(hint === undefined ? {} : { cure: hint }),
  };
}

export function grouped(group: Finding["group"], judged: readonly Judged[]): Finding[] {
  return judged.map((one) => ({ group, ...one }));
}
