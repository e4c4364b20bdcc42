import { tokenize } from "./tokens.ts";

/** The statements of a script, without the semicolons between them and without empty ones. */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let text = "";
  let empty = true;
  for (const token of [...tokenize(sql), { kind: "symbol", text: ";" }]) {
    if (token.kind === "symbol" && token.text === ";") {
      if (!empty) statements.push(text);
      text = "";
      empty = true;
    } else {
      text += token.text;
      empty &&= token.kind === "space" || token.kind === "comment";
    }
  }
  return statements;
}
