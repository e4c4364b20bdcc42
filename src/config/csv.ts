import { DATE_FORMATS, dateFormatMistake } from "../model/date-format.ts";
import type { Declared } from "../model/declared.ts";
import { UserError } from "../model/errors.ts";
import type { formats } from "../schemas/ingest/formats.ts";
import type { Place } from "./place.ts";

/** @throws UserError for options of CSV that contradict each other or mean nothing */
export function checkCsv(csv: Declared<(typeof formats)["csv"]>, place: Place): void {
  const { quote, escape: escaping, delimiter, comment } = csv;
  const wrong = (key: string, message: string, expected: string) =>
    new UserError({ message, ...place.value(key), expected });
  for (const [key, mark] of Object.entries({ delimiter, quote, escape: escaping, comment }))
    if (mark && !/^[\x01-\x7f]$/.test(mark))
      throw wrong(key, `csv.${key} is no ASCII character`, "one ASCII character");
  if (quote === "" && escaping !== undefined)
    throw wrong("escape", "where quotes mean nothing, there is nothing to escape", "no escape, or a quote");
  if (quote === delimiter) throw wrong("quote", "the quote is the delimiter, too", "two characters");
  if (comment !== undefined && (comment === delimiter || comment === quote))
    throw wrong("comment", "a comment begins like a cell", "another character than delimiter and quote");
  checkSpellings("csv", csv, place);
}

/** What looks like a date of PostgreSQL and is another one. */
const LIKE_ISO = /^YYYY-DD-MM/;
const AMBIGUOUS = "dates of the sheet itself are YYYY-MM-DD, and texts of this format look the same";

/** @throws UserError for ways to write numbers and dates that mean nothing */
export function checkSpellings(
  kind: "csv" | "xlsx",
  { decimal, thousands, dates }: Pick<Declared<(typeof formats)["csv"]>, "decimal" | "thousands" | "dates">,
  place: Place,
): void {
  const wrong = (key: string, message: string, expected: string) =>
    new UserError({ message, ...place.value(key), expected });
  if (thousands !== undefined && thousands === (decimal ?? "."))
    throw wrong("thousands", "thousands and decimals have the same mark", "two marks: decimal and thousands");
  for (const [key, mark] of Object.entries({ decimal, thousands }))
    if (mark !== undefined && /[\d+-]/.test(mark))
      throw wrong(key, `${kind}.${key} is part of a number`, "a mark such as ,");
  for (const [field, format] of formatsOf(dates)) {
    const mistake = dateFormatMistake(format) ?? (kind === "xlsx" && LIKE_ISO.test(format) ? AMBIGUOUS : undefined);
    if (mistake !== undefined)
      throw new UserError({
        message: `${kind}.dates cannot be read: ${mistake}`,
        ...(field === undefined ? place.value("dates") : place.value("dates", field)),
        expected: DATE_FORMATS,
        found: format,
      });
  }
}

function formatsOf(
  dates: string | Readonly<Record<string, string>> | undefined,
): readonly [string | undefined, string][] {
  return typeof dates === "string" ? [[undefined, dates]] : Object.entries(dates ?? {});
}
