import { tokenize } from "./tokens.ts";

/** The statements of a script, without the semicolons between them and without empty ones. */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [""];
  for (const { kind, text } of tokenize(sql)) {
    if (kind === "symbol" && text === ";") statements.push("");
    else statements[statements.length - 1] += text;
  }
  return statements.filter((statement) =>
    tokenize(statement).some(({ kind }) => kind !== "space" && kind !== "comment"),
  );
}
