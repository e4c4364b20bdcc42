import type { FastifyInstance } from "fastify";
import { readSource } from "../../compile/source.ts";
import { ingestFiles } from "../../config/ingest-files.ts";
import { FollowedDashboards } from "../../dashboards/follow.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { formatUserError, userErrorsOf } from "../../model/errors.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import type { Site } from "../../model/site.ts";
import { followPublished } from "../../release/published.ts";
import { SitePages } from "../../serve/site-pages.ts";
import { readPageAssets } from "../../site/assets.ts";
import { contentSecurityPolicy, siteFiles } from "../../site/files.ts";
import { pause } from "../../wait/pause.ts";
import { compileProject } from "../compiling.ts";
import { stateDirectory } from "../database.ts";
import { chooseSourcesToShow } from "../ingest/choose.ts";
import type { Attended } from "../interrupt.ts";
import { type ConnectionFlags, type EnvironmentFlags, environmentName } from "../options.ts";
import type { Shell } from "../shell.ts";
import { gather } from "./gather.ts";
import { linesToShow } from "./lines-to-show.ts";

export interface SiteFlags extends EnvironmentFlags, ConnectionFlags {
  readonly samples?: boolean;
}

interface MakeOptions extends Attended {
  readonly settings: ConnectionSettings;
  readonly live: boolean;
  /** Whether whoever sees the pages may ask questions of their own. */
  readonly explores: boolean;
}

/** The pages of what is published now, and the project that they are of. */
export async function makeSite(
  shell: Shell,
  flags: SiteFlags,
  { settings, ...how }: MakeOptions,
): Promise<{ readonly site: Site; readonly graph: CompiledGraph }> {
  const graph = await compileProject(shell, flags);
  const sources = ingestFiles(shell.projectDir).length ? chooseSourcesToShow(shell, []) : [];
  const input = await gather(graph, settings, {
    ...how,
    projectDir: shell.projectDir,
    stateDir: stateDirectory(shell),
    sources,
    schedules: linesToShow(
      shell,
      graph,
      sources.map(({ declaration }) => declaration),
    ),
    environment: environmentName(flags),
    withSamples: flags.samples === true,
  });
  return { site: siteFiles(input, readPageAssets()), graph };
}

/** Where a release follows the other every few seconds, pages are made anew for a tenth of the time. */
const REST = 9;

/** Pages that are made anew when a release is published, or a run ends. What cannot be made stays as it was, and is told. */
export class LivePages {
  readonly #shell: Shell;
  readonly #flags: SiteFlags;
  readonly #how: MakeOptions;
  readonly #pages: SitePages;
  readonly #dashboards: FollowedDashboards;

  private constructor(
    shell: Shell,
    flags: SiteFlags,
    how: MakeOptions,
    { site, graph }: Awaited<ReturnType<typeof makeSite>>,
  ) {
    const { settings, signal } = how;
    this.#shell = shell;
    this.#flags = flags;
    this.#how = how;
    this.#dashboards = new FollowedDashboards(graph, {
      ...{ settings, signal, environment: environmentName(flags) },
      readSource: (file) => readSource(shell.projectDir, file),
      onLost: ({ message }) => shell.say(`dashboards show no new figures until the database answers: ${message}`),
    });
    this.#pages = new SitePages(site, {
      securityPolicy: contentSecurityPolicy(true),
      watch: (name, show) => this.#dashboards.watch(name, show),
    });
  }

  static async make(shell: Shell, flags: SiteFlags, how: Omit<MakeOptions, "live">): Promise<LivePages> {
    const live = { ...how, live: true };
    return new LivePages(shell, flags, live, await makeSite(shell, flags, live));
  }

  addTo(server: FastifyInstance): void {
    this.#pages.addTo(server);
  }

  /** Until the signal comes. */
  follow(): Promise<void> {
    const { settings, signal } = this.#how;
    return followPublished(settings, environmentName(this.#flags), {
      signal,
      onChange: (isPublished) => this.#renew(isPublished),
      onLost: ({ message }) => this.#shell.say(`the database is not there, and is asked again: ${message}`),
    });
  }

  async #renew(isPublished: boolean): Promise<void> {
    const { signal } = this.#how;
    const begun = performance.now();
    const shell = this.#shell;
    try {
      const { site, graph } = await makeSite(shell, this.#flags, this.#how);
      this.#pages.show(site);
      this.#dashboards.renew(graph);
      shell.say(`${isPublished ? "a release was published" : "a run ended"}: the pages show it`);
    } catch (error) {
      const mistakes = userErrorsOf(error);
      if (signal.aborted || !mistakes) throw error;
      shell.say(
        `the pages stay as they are until the next release or run: ${mistakes.map(formatUserError).join("\n")}`,
      );
    }
    await pause(REST * (performance.now() - begun), signal).catch(() => {});
  }
}
