import { readFileSync } from "node:fs";
import type { PageAssets } from "./files.ts";

/** What `npm run build` made of `src/site/page/`, from where this package is. */
export function readPageAssets(): PageAssets {
  const names = ["page.js", "page.css", "charts.js", "licences.txt"];
  return {
    files: new Map(
      names.map((name) => [name, readFileSync(new URL(`../../dist/page/${name}`, import.meta.url), "utf8")]),
    ),
  };
}
