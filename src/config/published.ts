import { readFileSync } from "node:fs";
import type { published } from "../schemas/published.ts";

type Published = typeof published;

const read = new Map<string, unknown>();

/** Returns a schema of `schemas/`. Its builder takes longer to load than the file, so it is no part of the program. */
export function publishedSchema<Name extends keyof Published>(name: Name): Published[Name] {
  const file = new URL(`../../schemas/${name}.json`, import.meta.url);
  if (!read.has(name)) read.set(name, JSON.parse(readFileSync(file, "utf8")));
  return read.get(name) as Published[Name];
}
