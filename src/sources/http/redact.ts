import { Secret } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";

/** Knows secrets in every way an answer may repeat them. */
export class Redactor {
  readonly #labels = new Map<string, string>();

  /** The value itself; if it is a secret, it is known from now on. */
  reveal(value: string | Secret): string {
    if (!(value instanceof Secret)) return value;
    this.add(value.reveal(), value.variable);
    return value.reveal();
  }

  add(value: string, label: string): void {
    const plain = value.trim();
    const forms = [
      plain,
      encodeURIComponent(plain),
      formEncode(plain),
      JSON.stringify(plain).slice(1, -1),
      Buffer.from(plain).toString("base64"),
    ];
    for (const form of forms) if (form !== "") this.#labels.set(form, label);
  }

  readonly redact = (text: string): string => {
    if (this.#labels.size === 0) return text;
    const longestFirst = [...this.#labels.keys()].sort((a, b) => b.length - a.length);
    const any = new RegExp(longestFirst.map((one) => one.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("|"), "g");
    return text.replace(any, (found) => `<${this.#labels.get(found)}>`);
  };
}

/** An error as it may be shown: an answer may repeat the secrets that it was sent. */
export function withoutSecrets(error: unknown, redact: (text: string) => string): unknown {
  if (!(error instanceof UserError)) return error;
  const { message, expected, found, hint, code, exitCode, location, cause } = error;
  const clean = (text: string | undefined) => (text === undefined ? undefined : redact(text));
  return new UserError({
    message: redact(message),
    expected: clean(expected),
    found: clean(found),
    hint: clean(hint),
    code,
    exitCode,
    location,
    cause,
  });
}

/** What cannot be sent in a header would be shown in the error of whoever tries. */
export function checkHeader(value: string, name: string): void {
  if (/^[\t\x20-\x7e\x80-\xff]*$/.test(value.trim())) return;
  throw new UserError({
    message: `${name} cannot be sent to the API`,
    expected: "one line of Latin characters",
    found: "a line end or another character that a header cannot have",
  });
}

/** As in the body of a form. */
export function formEncode(text: string): string {
  return new URLSearchParams({ x: text }).toString().slice(2);
}
