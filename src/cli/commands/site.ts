import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { ingestFiles } from "../../config/ingest-files.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { counted } from "../../model/counted.ts";
import { formatUserError, UserError } from "../../model/errors.ts";
import type { Site } from "../../model/site.ts";
import { followPublished } from "../../release/published.ts";
import { serveSite } from "../../serve/site-server.ts";
import { readPageAssets } from "../../site/assets.ts";
import { contentSecurityPolicy, MARK_OF_SITES, siteFiles } from "../../site/files.ts";
import { compileProject } from "../compiling.ts";
import { openDatabase, stateDirectory } from "../database.ts";
import { chooseSourcesToShow } from "../ingest/choose.ts";
import { type Attended, attended, untilInterrupted } from "../interrupt.ts";
import {
  addConnectionOption,
  addProjectOptions,
  type ConnectionFlags,
  type EnvironmentFlags,
  environmentName,
  portNumber,
} from "../options.ts";
import { addEnvironmentOption } from "../releasing.ts";
import type { AddCommand, Shell } from "../shell.ts";
import { bytes } from "../show/bytes.ts";
import { gather } from "../site/gather.ts";
import { telling } from "../telling.ts";

/** `dataform site …`: what the models publish, what it means and where it comes from, as pages. */
export const addSiteCommand: AddCommand = (site, shell) => {
  addBuild(site, shell);
  addServe(site, shell);
};

interface SiteFlags extends EnvironmentFlags, ConnectionFlags {
  readonly samples?: boolean;
}

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
      const settings = await openDatabase(shell, flags);
      const made = await attended(shell, (how) => makeSite(shell, flags, { settings, ...how, live: false }));
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

const PORT = 3025;

function addServe(site: Command, shell: Shell): void {
  const serve = site
    .command("serve")
    .description("show the same pages at an address of this machine; they follow each release that is published")
    .option("--host <address>", "where it listens", "127.0.0.1")
    .option("--port <number>", `its port; 0: one that is free (${PORT}, or a free one where that is taken)`, portNumber)
    .option("--no-samples", "without ten rows of each relation, and without rows that fail a test")
    .action(async (flags: SiteFlags & { readonly host: string; readonly port?: number }) => {
      const settings = await openDatabase(shell, flags);
      const onWait = telling(shell).tell;
      await untilInterrupted(
        shell,
        (signal) => serveReleases(shell, flags, { settings, signal, onWait, live: true }),
        "closing the pages",
      );
    });
  addFlags(serve);
}

function addFlags(command: Command): void {
  addConnectionOption(addEnvironmentOption(addProjectOptions(command)));
}

interface MakeOptions extends Attended {
  readonly settings: ConnectionSettings;
  readonly live: boolean;
}

async function makeSite(shell: Shell, flags: SiteFlags, { settings, ...how }: MakeOptions): Promise<Site> {
  const graph = await compileProject(shell, flags);
  const input = await gather(graph, settings, {
    ...how,
    projectDir: shell.projectDir,
    stateDir: stateDirectory(shell),
    sources: ingestFiles(shell.projectDir).length ? chooseSourcesToShow(shell, []) : [],
    environment: environmentName(flags),
    withSamples: flags.samples === true,
  });
  return siteFiles(input, readPageAssets());
}

/** Until it is interrupted. What cannot be made anew stays as it was, and is told. */
async function serveReleases(
  shell: Shell,
  flags: SiteFlags & { readonly host: string; readonly port?: number },
  how: MakeOptions,
): Promise<void> {
  const site = await makeSite(shell, flags, how);
  const { host, port } = flags;
  const listen = { host, securityPolicy: contentSecurityPolicy(true) };
  const server = await serveSite(site, { ...listen, port: port ?? PORT }).catch((error: UserError) => {
    if (port !== undefined || error.code !== "EADDRINUSE") throw error;
    return serveSite(site, { ...listen, port: 0 });
  });
  try {
    shell.print(server.address);
    shell.say("Ctrl-C ends it");
    await followPublished(how.settings, environmentName(flags), {
      signal: how.signal,
      onChange: async (isPublished) => {
        try {
          server.show(await makeSite(shell, flags, how));
          shell.say(`${isPublished ? "a release was published" : "a run ended"}: the pages show it`);
        } catch (error) {
          if (how.signal.aborted || !(error instanceof UserError)) throw error;
          shell.say(`the pages stay as they are: ${formatUserError(error)}`);
        }
      },
      onLost: ({ message }) => shell.say(`the database is not there, and is asked again: ${message}`),
    });
  } finally {
    await server.close();
  }
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
