// What the site of a project costs: to build it, beside `dbt docs generate` of the same models; to look at it, in a Chromium by the
// page's own clock. docs/benchmarks.md explains it.
import { mkdirSync, rmSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { findChromium } from "../src/cli/chromium.ts";
import { compile } from "../src/compile/compile.ts";
import { connectionUrl } from "../src/model/connection-settings.ts";
import { run } from "../src/run/run.ts";
import { readPageAssets } from "../src/site/assets.ts";
import { siteFiles } from "../src/site/files.ts";
import { manyModels, onDisk } from "../test/support/site.ts";
import { ensureBuilt } from "./contestants.ts";
import { spread } from "./measure.ts";
import { leftOut } from "./peers/python.ts";
import { startServer } from "./server.ts";
import { answered, firstPaint, inPage, openBrowser } from "./site/browser.ts";
import { bytesOf, dbtDocs } from "./site/dbt.ts";
import { timed } from "./site/timed.ts";
import { table } from "./table.ts";
import { writeProject } from "./workload.ts";

const { values } = parseArgs({
  options: {
    models: { type: "string", default: "1000" },
    rounds: { type: "string", default: "5" },
    "no-dbt": { type: "boolean", default: false },
    "only-page": { type: "boolean", default: false },
  },
});
const models = Number(values.models);
const rounds = Number(values.rounds);
const root = resolve(import.meta.dirname, "..");
const cache = join(import.meta.dirname, ".cache");

/** What is told at the end: figures of the rounds, and how much they may be. */
const lines: { readonly name: string; readonly figures: number[]; readonly most?: number; readonly unit: string }[] =
  [];
const notes: string[] = [];

function note(name: string, figure: number, unit: string, most?: number): void {
  const known = lines.find((one) => one.name === name);
  if (known) known.figures.push(figure);
  else lines.push({ name, figures: [figure], unit, ...(most === undefined ? {} : { most }) });
}

async function building(): Promise<void> {
  const project = join(cache, "site");
  writeProject(project, models);
  const { server } = await startServer(cache);
  try {
    const settings = await server.createDatabase();
    await run(await compile(project), settings, {});
    const out = join(project, "built");
    const build = () =>
      timed(
        process.execPath,
        [
          join(root, "bin/dataform.js"),
          "site",
          "build",
          "--out",
          out,
          "--url",
          connectionUrl(settings, { password: true }),
        ],
        { cwd: project, logFile: join(cache, "logs/site-build.log") },
      );
    const dbt = values["no-dbt"] ? undefined : dbtOrNote(settings);
    for (let round = 0; round < rounds; round++) {
      rmSync(join(project, ".dataform"), { recursive: true, force: true });
      const first = await build();
      note("build, nothing known of its lineage", first.seconds, "s", 3);
      note("  its processor time", first.processor, "s");
      const again = await build();
      note("build, again", again.seconds, "s", 3);
      note("  its processor time, again", again.processor, "s");
      // One is enough of what takes minutes.
      if (!dbt || round > 0) continue;
      const docs = await dbt.generate();
      note(`dbt docs generate (dbt ${dbt.version})`, docs.seconds, "s");
      note("  its processor time, dbt", docs.processor, "s");
      notes.push(`ratio: dbt docs generate / build ${(docs.seconds / first.seconds).toFixed(1)}`);
      notes.push(`on disk: ours ${bytesOf(out)} bytes, dbt ${dbt.bytes()}`);
    }
  } finally {
    await server.stop();
  }
}

function dbtOrNote(settings: Parameters<typeof dbtDocs>[1]) {
  try {
    return dbtDocs(cache, settings, models);
  } catch (error) {
    notes.push(leftOut("dbt", error));
    return undefined;
  }
}

const SEARCHES = ["modle_0123", "customer id", "amuont", "day by day", "model_0777", "product_3", "updated", "curency"];
const OPTION = "#search-hits [role=option]";

async function looking(): Promise<void> {
  const page = readPageAssets();
  const built = siteFiles(manyModels(models), page);
  const large = onDisk(siteFiles(manyModels(2 * models), page));
  const contents = [...built.files].filter(([path]) => path !== "charts.js").map(([, one]) => Buffer.from(one));
  const total = (sizes: readonly number[]) => sizes.reduce((sum, size) => sum + size, 0) / 1e6;
  note("all of its files, without charts", total(contents.map((one) => one.length)), "MB", 3);
  note("  compressed", total(contents.map((one) => gzipSync(one).length)), "MB", 0.6);
  const small = onDisk(built);
  const nothing = onDisk({ version: 1, files: new Map([["index.html", "<!doctype html><p>nothing"]]) });
  const browser = await openBrowser(findChromium(process.env.PATH ?? ""));
  try {
    for (let round = 0; round < rounds; round++) {
      note("first paint of a page with one word", await inPage(browser, nothing, firstPaint), "ms");
      note("first paint", await inPage(browser, small, firstPaint), "ms", 500);
      await inPage(browser, small, async (page) => {
        const open = await answered(page, { key: "/" }, "dialog[open]");
        note("search, opened for the first time", open.drawn, "ms");
        for (const search of SEARCHES) {
          const { there, drawn, processor } = await answered(page, { search }, OPTION);
          note("search, answered", there, "ms", 30);
          note("  and drawn", drawn, "ms");
          note("  processor time of the page", processor, "ms");
          await answered(page, { search: "" }, OPTION, 0);
        }
      });
      const way = "/lineage/product_0/model_0500?up=all&down=all";
      const drawn = await inPage(browser, large, (page) => answered(page, { address: way }, "svg .node", 150));
      note("150 boxes of twice as many models, there", drawn.there, "ms");
      note("150 boxes of twice as many models, drawn", drawn.drawn, "ms", 300);
      note("  processor time of the page, boxes", drawn.processor, "ms", 300);
    }
  } finally {
    await browser.close();
  }
}

const load = loadavg();
mkdirSync(cache, { recursive: true });
ensureBuilt(root);
if (!values["only-page"]) await building();
await looking();
const shown = (value: number) => value.toFixed(value < 10 ? 2 : 0);
const rows = lines.map(({ name, figures, unit, most }) => {
  const { min, median, max } = spread(figures);
  const goal = most === undefined ? ["", ""] : [`< ${most} ${unit}`, median < most ? "met" : "missed"];
  return [name, `${shown(min)}`, shown(median), `${shown(max)} ${unit}`, ...goal];
});
process.stdout.write(
  [
    `${models} models, ${rounds} rounds, ${new Date().toISOString().slice(0, 10)}`,
    `${cpus().length} CPUs (${cpus()[0]?.model.trim()}), load average ${load.map((one) => one.toFixed(1)).join(" ")}, Node ${process.versions.node}`,
    "",
    ...table(["", "min", "median", "max", "goal", ""], rows),
    ...notes.map((one) => `note: ${one}`),
    "",
  ].join("\n"),
);
