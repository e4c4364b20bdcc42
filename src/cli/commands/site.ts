import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { counted } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import type { Site } from "../../model/site.ts";
import { MARK_OF_SITES } from "../../site/html.ts";
import { compileProject } from "../compiling.ts";
import { openDatabase } from "../database.ts";
import { attended, untilInterrupted } from "../interrupt.ts";
import { addListenOptions } from "../listening.ts";
import { addConnectionOption, addProjectOptions } from "../options.ts";
import { addEnvironmentOption } from "../releasing.ts";
import { addPageOptions } from "../serve/page-options.ts";
import type { PageFlags } from "../serve/wanted.ts";
import type { AddCommand, Shell } from "../shell.ts";
import { bytes } from "../show/bytes.ts";
import type { SiteFlags } from "../site/make-site.ts";

/** `dataform site …`: what the models publish, what it means and where it comes from, as pages. */
export const addSiteCommand: AddCommand = (site, shell) => {
  addBuild(site, shell);
  addServe(site, shell);
};

function addBuild(site: Command, shell: Shell): void {
  const build = site
    .command("build")
    // Who knows dbt types `docs generate`.
    .alias("generate")
    .description("write the pages of the published release into a folder: they open from disk, or on any web server")
    .option("--out <dir>", "the folder; a site that is there is made anew", "site")
    .option("--json", "what was written, as one JSON object")
    .option("--samples", "with ten rows of each relation, but for columns tagged pii, and rows that fail a test")
    .action(async (flags: SiteFlags & { readonly out: string; readonly json?: boolean }) => {
      // Meanwhile the rest is read.
      const compiling = compileProject(shell, flags);
      compiling.catch(() => {});
      const settings = await openDatabase(shell, flags);
      const { makeSite } = await import("../site/make-site.ts");
      const { site: made } = await attended(shell, (how) =>
        makeSite(shell, flags, { settings, ...how, live: false, explores: false, compiling }),
      );
      const folder = resolve(shell.projectDir, flags.out);
      await writeSite(made, folder);
      const size = [...made.files.values()].reduce((sum, content) => sum + Buffer.byteLength(content), 0);
      const index = join(folder, "index.html");
      if (flags.json) return shell.print(JSON.stringify({ version: 1, index, files: made.files.size, bytes: size }));
      shell.say(`${counted(made.files.size, "file")}, ${bytes(size)}`);
      shell.print(index);
    });
  addFlags(build);
}

function addServe(site: Command, shell: Shell): void {
  const serve = site
    .command("serve")
    .description("show the same pages at an address; they follow each release that is published, and answer questions");
  addPageOptions(addListenOptions(serve)).action(async (flags: PageFlags) => {
    const { runPages } = await import("../serve/run-server.ts");
    await untilInterrupted(shell, (signal) => runPages(shell, flags, signal), "closing the pages");
  });
  addFlags(serve);
}

function addFlags(command: Command): void {
  addConnectionOption(addEnvironmentOption(addProjectOptions(command)));
}

/** Takes the place of a site that was there, and of nothing else. */
async function writeSite({ files }: Site, folder: string): Promise<void> {
  const there: string[] = await readdir(folder).catch(() => []);
  const index = await readFile(join(folder, "index.html"), "utf8").catch(() => "");
  if (there.length && !index.includes(MARK_OF_SITES))
    throw new UserError({
      message: `${folder} holds something else`,
      expected: "an empty folder, one that is not there, or a site that was built before",
      found: there.slice(0, 5).join(", "),
      hint: "name another one with --out",
    });
  for (const name of new Set([...files.keys()].map((path) => path.split("/")[0]!)))
    await rm(join(folder, name), { recursive: true, force: true });
  for (const [path, content] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}
