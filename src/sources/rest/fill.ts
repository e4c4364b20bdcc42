/** What `{since}`, `{start}` and `{end}` in what is asked stand for; nothing where there is none. */
export type AskedValues = Readonly<Record<"since" | "start" | "end", string>>;

const PLACE = /\{(since|start|end)(?:\.(year|month|day))?\}/g;
const PARTS = { year: 0, month: 1, day: 2 };

/** The text with the values in it; `{start.month}` is the month of a day, without leading zeros. */
export function fillText(text: string, values: AskedValues): string {
  return text.replace(PLACE, (_, name: keyof AskedValues, part?: keyof typeof PARTS) => {
    const value = values[name];
    if (part === undefined || value === "") return value;
    return String(Number(value.slice(0, 10).split("-")[PARTS[part]]));
  });
}

/** JSON with the values in its texts. */
export function fill(body: unknown, values: AskedValues): unknown {
  if (typeof body === "string") return fillText(body, values);
  if (Array.isArray(body)) return body.map((one) => fill(one, values));
  if (body === null || typeof body !== "object") return body;
  return Object.fromEntries(Object.entries(body).map(([key, value]) => [key, fill(value, values)]));
}
