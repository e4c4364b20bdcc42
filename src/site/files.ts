import type { Site } from "../model/site.ts";
import { describe } from "./describe.ts";
import { escapeHtml, MARK_OF_SITES } from "./html.ts";
import type { SiteInput } from "./input.ts";
import { lineagePart } from "./lineage-part.ts";

/** The page as it is shipped: what `npm run build` makes of `src/site/page/`. */
export interface PageAssets {
  /** Path → content: `page.js`, `page.css`, `charts.js`, `licences.txt`. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * No scripts but the page's own, no styles but its own, nothing from elsewhere. `data:` is for the icon; a server that tells
 * of new releases is listened to.
 */
export const contentSecurityPolicy = (live: boolean): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    ...(live ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");

/** The files of the site. It opens from disk, where neither `fetch` nor modules work: data are scripts that hand over a value. */
export function siteFiles(input: SiteInput, page: PageAssets): Site {
  const { core, details, files, tests } = describe(input);
  const parts: [string, unknown][] = [
    ["core", core],
    ...details.map((list, part): [string, unknown] => [`relations-${part}`, list]),
    ...files.map((list, part): [string, unknown] => [`files-${part}`, list]),
    ...tests.map((list, part): [string, unknown] => [`tests-${part}`, list]),
    ...(input.lineage ? [["lineage", lineagePart(input.lineage, core)] as [string, unknown]] : []),
    ...input.dashboards.map((one): [string, unknown] => [`dashboard-${one.name}`, one]),
    ...input.parts,
  ];
  return {
    version: 1,
    files: new Map<string, string>([
      ["index.html", indexHtml(input)],
      ...page.files,
      ...parts.map(([name, value]): [string, string] => [`data/${name}.js`, handedOver(name, value)]),
    ]),
  };
}

/** A script that gives the page one part. `__proto__` would set the prototype where it is written as a plain key. */
function handedOver(name: string, value: unknown): string {
  const text = JSON.stringify(value).replaceAll('"__proto__":', '["__proto__"]:');
  return `(self.dataformParts=self.dataformParts||[]).push([${JSON.stringify(name)},${text}]);\n`;
}

function indexHtml({ project, live }: SiteInput): string {
  const title = escapeHtml(project);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentSecurityPolicy(live)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
${MARK_OF_SITES}
<title>${title}</title>
<link rel="icon" href="${ICON}">
<link rel="stylesheet" href="page.css">
</head>
<body>
<div id="page"><noscript>The pages of ${title} are drawn by the script beside this file: let it run to read them.</noscript></div>
<script src="data/core.js"></script>
<script src="page.js"></script>
</body>
</html>
`;
}

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='7' fill='%23155e63'/%3E%3Cpath d='M8 22V10m8 12V6m8 16v-8' stroke='%23fff' stroke-width='3.4' stroke-linecap='round'/%3E%3C/svg%3E";
