// Writes schemas/*.json: `npm run schemas`.
import { writeFileSync } from "node:fs";
import { published, publishedText } from "./published.ts";

for (const name of Object.keys(published) as (keyof typeof published)[])
  writeFileSync(new URL(`../../schemas/${name}.json`, import.meta.url), publishedText(name));
