const formats = new Map<string, Intl.DateTimeFormat>();

/** A moment as clocks of the zone show it, to the minute: `2026-12-24 18:00`. */
export function localTime(moment: Date, zone: string): string {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-CA", {
      timeZone: zone,
      ...{ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
    } as Intl.DateTimeFormatOptions);
    formats.set(zone, format);
  }
  return format.format(moment).replace(",", "");
}
