const PART = /YYYY|MM|MON|DD|HH24|HH12|MI|SS|AM/g;

/** What a format of dates is made of, for people. */
export const DATE_FORMATS =
  "YYYY, MM (or MON), DD, and perhaps HH24 (or HH12 and AM), MI, SS, such as DD.MM.YYYY HH24:MI";

/** What is wrong with a format of dates; undefined where nothing is. */
export function dateFormatMistake(format: string): string | undefined {
  const parts: string[] = format.match(PART) ?? [];
  const rest = format.replace(PART, "").replace("T", "");
  if (/[A-Za-z]/.test(rest)) return `"${/[A-Za-z]+/.exec(rest)![0]}" stands for nothing`;
  const twice = parts.find((part, index) => parts.indexOf(part) !== index);
  if (twice !== undefined) return `${twice} twice`;
  const month = Number(parts.includes("MM")) + Number(parts.includes("MON"));
  if (!parts.includes("YYYY") || month !== 1 || !parts.includes("DD"))
    return "not one each of YYYY, MM (or MON) and DD";
  if (parts.includes("HH12") !== parts.includes("AM")) return "HH12 and AM belong together";
  if (parts.includes("HH24") && parts.includes("HH12")) return "both HH24 and HH12";
  const clock = ["SS", "MI"].filter((part) => parts.includes(part));
  const hours = parts.includes("HH24") || parts.includes("HH12");
  if ((clock.length > 0 || hours) && (!parts.includes("MI") || !hours)) return "hours without minutes, or the reverse";
  return undefined;
}
