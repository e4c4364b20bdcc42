import { Problem } from "./problem.ts";

export type Format = "json" | "ndjson" | "csv" | "parquet";

export const MEDIA_TYPES: Readonly<Record<Format, string>> = {
  json: "application/json; charset=utf-8",
  ndjson: "application/x-ndjson; charset=utf-8",
  csv: "text/csv; charset=utf-8; header=present",
  parquet: "application/vnd.apache.parquet",
};

/** What an answer depends on besides its address: one that was for somebody else, or for another page, is not given again. */
export const VARY = "Accept, Accept-Encoding, Authorization, X-API-Key, Origin";

const NAMES: ReadonlyMap<string, Format> = new Map([
  ["application/json", "json"],
  ["application/x-ndjson", "ndjson"],
  ["application/ndjson", "ndjson"],
  ["text/csv", "csv"],
  ["application/vnd.apache.parquet", "parquet"],
]);

/** Of an address, the format that its ending names. */
export const ENDING = /\.(json|ndjson|csv|parquet)$/;

/**
 * The format of an answer: what the address says, or else what is liked most of what `Accept` takes.
 * @throws Problem where it takes none
 */
export function formatOf(accept: string | undefined, said: unknown): Format {
  if (said !== undefined) {
    if (typeof said === "string" && Object.hasOwn(MEDIA_TYPES, said)) return said as Format;
    const detail = `format must be one of ${Object.keys(MEDIA_TYPES).join(", ")}`;
    throw new Problem("invalid-request", { detail, errors: [{ pointer: "/query/format", detail }] });
  }
  if (accept === undefined || accept === "*/*") return "json";
  const taken = weighted(accept);
  for (const [range] of taken) {
    if (range === "*/*" || range === "application/*") return "json";
    if (range === "text/*") return "csv";
    const format = NAMES.get(range);
    if (format) return format;
  }
  throw new Problem("not-acceptable", { detail: `answers are ${[...NAMES.keys()].join(", ")}` });
}

export type Encoding = "br" | "gzip" | "identity";

/** How the bytes are packed: as tight as the client takes. */
export function encodingOf(accepted: string | undefined): Encoding {
  if (!accepted) return "identity";
  const taken = new Map(weighted(accepted));
  if (taken.has("br")) return "br";
  return taken.has("gzip") || taken.has("*") ? "gzip" : "identity";
}

/** Those with a weight above 0, the heaviest first. */
function weighted(header: string): (readonly [string, number])[] {
  return header
    .slice(0, 1000)
    .split(",")
    .map((part) => {
      const [range = "", ...parameters] = part
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/);
      const weight = parameters.find((one) => one.startsWith("q="))?.slice(2);
      return [range, weight === undefined ? 1 : Number(weight) || 0] as const;
    })
    .filter(([range, weight]) => range && weight > 0)
    .sort(([, one], [, other]) => other - one);
}

/** Whether `If-None-Match` has the tag of an answer: tags are compared weakly. */
export function hasTag(header: string | undefined, tag: string): boolean {
  if (!header) return false;
  if (header === tag) return true;
  const plain = tag.replace(/^W\//, "");
  return header.split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === plain);
}
