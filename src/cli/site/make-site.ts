import type { FastifyInstance } from "fastify";
import { ingestFiles } from "../../config/ingest-files.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { formatUserError, userErrorsOf } from "../../model/errors.ts";
import type { Site } from "../../model/site.ts";
import { followPublished } from "../../release/published.ts";
import { SitePages } from "../../serve/site-pages.ts";
import { readPageAssets } from "../../site/assets.ts";
import { contentSecurityPolicy, siteFiles } from "../../site/files.ts";
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

/** The pages of what is published now. */
export async function makeSite(shell: Shell, flags: SiteFlags, { settings, ...how }: MakeOptions): Promise<Site> {
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
  return siteFiles(input, readPageAssets());
}

/** Pages that are made anew when a release is published, or a run ends. What cannot be made stays as it was, and is told. */
export class LivePages {
  readonly #shell: Shell;
  readonly #flags: SiteFlags;
  readonly #how: MakeOptions;
  readonly #pages: SitePages;

  private constructor(shell: Shell, flags: SiteFlags, how: MakeOptions, first: Site) {
    this.#shell = shell;
    this.#flags = flags;
    this.#how = how;
    this.#pages = new SitePages(first, contentSecurityPolicy(true));
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
    const shell = this.#shell;
    try {
      this.#pages.show(await makeSite(shell, this.#flags, this.#how));
      shell.say(`${isPublished ? "a release was published" : "a run ended"}: the pages show it`);
    } catch (error) {
      const mistakes = userErrorsOf(error);
      if (this.#how.signal.aborted || !mistakes) throw error;
      shell.say(
        `the pages stay as they are until the next release or run: ${mistakes.map(formatUserError).join("\n")}`,
      );
    }
  }
}
