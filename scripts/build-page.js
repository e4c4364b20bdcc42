// The page of `dataform site`: one script and one style sheet, which need nothing from elsewhere, and the licences of what is in
// them. ECharts is a script of its own, loaded by pages with a chart.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const folder = join(root, "src/site/page");
const out = join(root, process.argv[2] ?? "dist/page");

const bundle = (entry, outfile) =>
  build({
    entryPoints: [join(folder, entry)],
    outfile: join(out, outfile),
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  });

mkdirSync(out, { recursive: true });
const built = await Promise.all([
  bundle("main.tsx", "page.js"),
  bundle("charts.ts", "charts.js"),
  bundle("page.css", "page.css"),
]);
writeFileSync(join(out, "licences.txt"), licences(built.flatMap(({ metafile }) => Object.keys(metafile.inputs))));

/** The licence of each package of which something is in the bundles. */
function licences(inputs) {
  const packages = inputs.flatMap((path) => /.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  const texts = [...new Set(packages)].sort().map((path) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, path, "package.json"), "utf8"));
    const file = readdirSync(join(root, path)).find((one) => /^licen[cs]e(\.|$)/i.test(one));
    return `${name} ${version} (${license})\n\n${file ? readFileSync(join(root, path, file), "utf8").trim() : ""}\n`;
  });
  return texts.join(`\n${"-".repeat(72)}\n\n`);
}
