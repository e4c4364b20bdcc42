import type { Diagnostic } from "vscode-languageserver";
import type { UserErrorDetails } from "../../model/errors.ts";
import { Text } from "./text.ts";

/** As the protocol counts them. */
const ERROR = 1;
const WARNING = 2;

/** A mistake or something to know, and how bad it is. */
export interface Told {
  readonly error: UserErrorDetails;
  readonly isWarning?: boolean;
  /** Who says so: the compiler, or PostgreSQL. */
  readonly source: "dataform" | "postgresql";
}

/**
 * What stands at each file, by its path in the project. What has no place stands at the project's file. Pure.
 * @param read the text of a file as it was judged
 */
export function diagnosticsOf(
  told: readonly Told[],
  settingsFile: string,
  read: (file: string) => string,
): ReadonlyMap<string, readonly Diagnostic[]> {
  const found = new Map<string, Diagnostic[]>();
  const texts = new Map<string, Text>();
  for (const one of told) {
    const file = one.error.location?.file ?? settingsFile;
    const text = texts.get(file) ?? new Text(read(file));
    texts.set(file, text);
    found.set(file, [...(found.get(file) ?? []), diagnosticOf(one, text)]);
  }
  return found;
}

function diagnosticOf({ error, isWarning, source }: Told, text: Text): Diagnostic {
  const { location, message, expected, found, hint, code } = error;
  const lines = [
    message,
    ...(expected === undefined ? [] : [`expected: ${expected}`]),
    ...(found === undefined ? [] : [`found: ${found}`]),
    ...(hint === undefined ? [] : [`→ ${hint}`]),
  ];
  return {
    range: text.wordAt(location?.line, location?.column),
    severity: isWarning ? WARNING : ERROR,
    source,
    ...(code === undefined ? {} : { code }),
    message: lines.join("\n"),
  };
}

/** A note of the compiler that begins with its place. */
export function noteOf(text: string): Told | undefined {
  const [, file, line, column, message] = /^([^\s:]+\.\w+)(?::(\d+))?(?::(\d+))?: (.+)$/s.exec(text) ?? [];
  if (file === undefined) return undefined;
  const location = { file, ...(line ? { line: Number(line) } : {}), ...(column ? { column: Number(column) } : {}) };
  return { error: { message: message!, location }, isWarning: true, source: "dataform" };
}
