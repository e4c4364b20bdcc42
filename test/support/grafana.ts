// What Grafana does to a query before the server sees it, to the letter of its macros.go: the browser fills in variables, and
// then the data source's macros.

export interface TimeRange {
  readonly from: Date;
  readonly to: Date;
}

/** `values`: of each variable what is chosen, or "all". */
export function asGrafanaSends(
  rawSql: string,
  range: TimeRange,
  values: Readonly<Record<string, readonly string[] | "all">> = {},
): string {
  const filled = rawSql.replace(/\$\{(\w+):sqlstring\}/g, (whole, name: string) => {
    const chosen = values[name];
    if (chosen === undefined) return whole;
    // What stands for all is no value: it is not quoted.
    return chosen === "all" ? "NULL" : chosen.map((value) => `'${value.replaceAll("'", "''")}'`).join(",");
  });
  return expanded(filled, range);
}

const MACRO = /\$([_a-zA-Z0-9]+)\(([^)]*)\)/g;

function expanded(sql: string, range: TimeRange): string {
  return sql.replace(MACRO, (call: string, name: string, inside: string, index: number) => {
    const args = inside.split(",").map((arg) => arg.replace(/^ +| +$/g, ""));
    const isOld = name === "__timeGroup" && sql[index + call.length] === ",";
    return macro(isOld ? "__timeGroupAlias" : name, args, range);
  });
}

function macro(name: string, args: readonly string[], range: TimeRange): string {
  const [from, to] = [rfc3339Nano(range.from), rfc3339Nano(range.to)];
  const seconds = (date: Date) => Math.floor(date.getTime() / 1000);
  switch (name) {
    case "__time":
      return `${args[0]} AS "time"`;
    case "__timeEpoch":
      return `extract(epoch from ${args[0]}) as "time"`;
    case "__timeFilter":
      return `${args[0]} BETWEEN '${from}' AND '${to}'`;
    case "__timeFrom":
      return `'${from}'`;
    case "__timeTo":
      return `'${to}'`;
    case "__timeGroup": {
      if (args.length < 2) throw new Error(`macro ${name} needs time column and interval and optional fill value`);
      const interval = parseInterval(args[1]!.replace(/^'+|'+$/g, ""));
      return `floor(extract(epoch from ${args[0]})/${interval})*${interval}`;
    }
    case "__timeGroupAlias":
      return `${macro("__timeGroup", args, range)} AS "time"`;
    case "__unixEpochFilter":
      return `${args[0]} >= ${seconds(range.from)} AND ${args[0]} <= ${seconds(range.to)}`;
    default:
      throw new Error(`unknown macro "${name}"`);
  }
}

/** Go's time.RFC3339Nano: a fraction without zeros at its end, and none where it is nothing. */
function rfc3339Nano(date: Date): string {
  return date.toISOString().replace(/\.?0+Z$/, "Z");
}

function parseInterval(text: string): number {
  const [, count, unit] = /^(\d+)(ms|[smhdwMy])$/.exec(text) ?? [];
  const lengths: Readonly<Record<string, number>> = {
    ms: 0.001,
    s: 1,
    m: 60,
    h: 3600,
    d: 86_400,
    w: 604_800,
    M: 2_629_800,
    y: 31_557_600,
  };
  if (unit === undefined) throw new Error(`error parsing interval ${text}`);
  return Number(count) * lengths[unit]!;
}
