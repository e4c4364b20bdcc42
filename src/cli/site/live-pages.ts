import type { FastifyInstance } from "fastify";
import { readSource } from "../../compile/source.ts";
import { FollowedDashboards } from "../../dashboards/follow.ts";
import { formatUserError, userErrorsOf } from "../../model/errors.ts";
import { followPublished } from "../../release/published.ts";
import { packSite } from "../../serve/packed-site.ts";
import { SitePages } from "../../serve/site-pages.ts";
import { contentSecurityPolicy } from "../../site/files.ts";
import { pause } from "../../wait/pause.ts";
import { environmentName } from "../options.ts";
import type { Shell } from "../shell.ts";
import { tellingOfDatabase } from "../telling.ts";
import { type MakeOptions, makeSite, type SiteFlags } from "./make-site.ts";
import { SiteMaker } from "./site-maker.ts";

/** Where a release follows the other every few seconds, pages are made anew for a tenth of the time. */
const REST = 9;

/** Pages that are made anew when a release is published, or a run ends. What cannot be made stays as it was, and is told. */
export class LivePages {
  readonly #shell: Shell;
  readonly #flags: SiteFlags;
  readonly #how: MakeOptions;
  readonly #maker: SiteMaker;
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
    this.#maker = new SiteMaker(shell, flags, how);
    this.#dashboards = new FollowedDashboards(graph, {
      ...{ settings, signal, environment: environmentName(flags) },
      readSource: (file) => readSource(shell.projectDir, file),
      onLost: ({ message }) => shell.say(`dashboards show no new figures until the database answers: ${message}`),
    });
    this.#pages = new SitePages(packSite(site), {
      securityPolicy: contentSecurityPolicy(true),
      watch: (name, show) => this.#dashboards.watch(name, show),
    });
  }

  /** The first are made in this thread: nobody is answered yet. */
  static async make(shell: Shell, flags: SiteFlags, how: Omit<MakeOptions, "live">): Promise<LivePages> {
    const live = { ...how, live: true };
    return new LivePages(shell, flags, live, await makeSite(shell, flags, live));
  }

  addTo(server: FastifyInstance): void {
    this.#pages.addTo(server);
  }

  /** Until the signal comes. */
  async follow(): Promise<void> {
    const { settings, signal } = this.#how;
    try {
      await followPublished(settings, environmentName(this.#flags), {
        signal,
        onChange: (isPublished) => this.#renew(isPublished),
        ...tellingOfDatabase(this.#shell),
      });
    } finally {
      await this.#maker.close();
    }
  }

  async #renew(isPublished: boolean): Promise<void> {
    const { signal } = this.#how;
    const begun = performance.now();
    const shell = this.#shell;
    try {
      const { site, graph } = await this.#maker.make(signal);
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
