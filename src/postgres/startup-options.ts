import { UserError } from "../model/errors.ts";
import type { ServerSetting } from "../sql/session.ts";

/**
 * The settings in `options` (PGOPTIONS): `-c name=value` and `--name=value`, words apart by spaces, `\` before a space that
 * is part of a value. A pooler does not pass them on, so they are set when the session is there.
 * @throws UserError for what no session can set
 */
export function settingsIn(options: string): ServerSetting[] {
  const words = (options.match(/(?:\\[\s\S]|\S)+/g) ?? []).map((word) => word.replace(/\\([\s\S])/g, "$1"));
  const settings: ServerSetting[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    const text = word === "-c" ? words[++at] : /^(?:-c|--)(.+)$/s.exec(word)?.[1];
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(text ?? "") ?? [];
    if (name === undefined) throw unknown(word);
    settings.push([name.replaceAll("-", "_"), value!]);
  }
  return settings;
}

function unknown(word: string): UserError {
  return new UserError({
    message: "this cannot be set through a pooler",
    expected: "options=-c name=value (PGOPTIONS)",
    found: word,
    hint: "leave it out, or name the host and port of the server itself",
  });
}
