/** How wide a letter of a system's font is, in parts of its size: rather too wide, for nobody knows which font a picture meets. */
function letter(sign: string): number {
  if (
    /[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60]|\p{Extended_Pictographic}/u.test(
      sign,
    )
  )
    return 1.05;
  if (/[\p{Mn}\p{Me}\p{Cf}]/u.test(sign)) return 0;
  if (/[mwMW@%—…]/.test(sign)) return 0.95;
  if (/[iIjl.,:;!|'`·\s]/.test(sign)) return 0.36;
  if (/[frt()[\]{}"/\\-]/.test(sign)) return 0.45;
  return /\p{Lu}/u.test(sign) ? 0.73 : 0.64;
}

/** About how many pixels a text is wide. */
export function widthOf(text: string, size: number, isBold = false): number {
  let width = 0;
  for (const sign of text) width += letter(sign);
  return width * size * (isBold ? 1.1 : 1);
}

/** As much of a text as there is room for. No character is cut in two. */
export function clipped(text: string, room: number, size: number, isBold = false): string {
  if (text.length * size * 0.3 < room && widthOf(text, size, isBold) <= room) return text;
  let kept = "";
  let left = room - widthOf("…", size, isBold);
  for (const sign of text) {
    left -= widthOf(sign, size, isBold);
    if (left < 0) return `${kept.trimEnd()}…`;
    kept += sign;
  }
  return kept;
}

/** The same of a name: its end tells it from others with the same beginning, so it is cut in the middle. */
export function clippedWithin(name: string, room: number, size: number): string {
  if (widthOf(name, size) <= room) return name;
  const half = (room - widthOf("…", size)) / 2;
  let end = "";
  let left = half;
  for (const sign of [...name].reverse()) {
    left -= widthOf(sign, size);
    if (left < 0) break;
    end = sign + end;
  }
  return clipped(name.slice(0, name.length - end.length), room - widthOf(end, size), size) + end;
}

/** A text in lines that have room. */
export function wrapped(text: string, room: number, size: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ").filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(`${last} ${word}`, size) <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(clipped(word, room, size));
  }
  return lines;
}
