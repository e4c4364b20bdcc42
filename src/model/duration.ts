const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** "30s", "2m", "500ms", "7d" → milliseconds; a plain number is seconds. Undefined for what is none, or too long to be counted. */
export function milliseconds(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text);
  const duration = match ? Number(match[1]) * units[match[2] ?? "s"]! : undefined;
  return duration === undefined || duration > Number.MAX_SAFE_INTEGER ? undefined : duration;
}
