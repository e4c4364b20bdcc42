/** Digits that a double may need. */
const DOUBLE_DIGITS = 17;
/** Zeros that are written out. */
const MAX_ZEROS = 40;

/**
 * A number as the sheet stores it, in plain digits. Numbers of a workbook are doubles, which Excel writes with 17 digits: 1.1 as
 * 1.1000000000000001. Where fewer digits name the same double, those are the number. What has other digits (a longer number of
 * another program, a whole number) keeps them all. Undefined for what is no number.
 */
export function numberText(stored: string): string | undefined {
  const found = /^(-?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(stored.trim());
  if (!found || (found[2] === "" && !found[3])) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0"] = found;
  if (fraction === "" && exponent === "0") return `${sign}${whole.replace(/^0+(?=\d)/, "")}`;
  const digits = (whole + fraction).replace(/^0+/, "");
  if (digits.length >= DOUBLE_DIGITS - 1 && digits.length <= DOUBLE_DIGITS) {
    const short = String(Number(stored));
    if (short !== stored.trim() && significant(short) < digits.length - 1) return numberText(short);
  }
  return plain(sign!, whole + fraction, whole.length + Number(exponent));
}

function significant(text: string): number {
  return text.replace(/e.*$/i, "").replace(/[-.]/g, "").replace(/^0+/, "").length;
}

/** @param point digits before the point */
function plain(sign: string, digits: string, point: number): string {
  const zeros = Math.max(-point, point - digits.length);
  if (zeros > MAX_ZEROS) return `${sign}${digits.replace(/^0+(?=\d)/, "")}e${point - digits.length}`;
  const padded = point <= 0 ? "0".repeat(1 - point) + digits : digits.padEnd(point, "0");
  const at = Math.max(point, 1);
  const whole = padded.slice(0, at).replace(/^0+(?=\d)/, "");
  const fraction = padded.slice(at).replace(/0+$/, "");
  return `${sign}${whole}${fraction ? `.${fraction}` : ""}`;
}
