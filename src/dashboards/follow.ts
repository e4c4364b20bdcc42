import type { ConnectionSettings } from "../model/connection-settings.ts";
import type { DashboardChange, DashboardData, DashboardNews } from "../model/dashboard.ts";
import type { CompiledGraph } from "../model/graph.ts";
import { showsLanded } from "../model/live.ts";
import { type Client, withClient } from "../postgres/client.ts";
import { listenTo } from "../postgres/listen.ts";
import type { ReadSource } from "../run/place.ts";
import { pause } from "../wait/pause.ts";
import { readDashboards } from "./read.ts";

export interface FollowOptions {
  readonly settings: ConnectionSettings;
  readonly environment: string;
  readonly readSource: ReadSource;
  readonly signal: AbortSignal;
  /** Told when the database no longer answers somebody who looks. */
  readonly onLost: (error: Error) => void;
}

/** Rows of an open load, a load that ended, a release. Hints: one may be lost, or never come through a pooler. */
const CHANNELS = ["dataform_rows", "dataform_load", "dataform_release"];
/** Between the beginnings of two readings, in milliseconds: a second of them at most half of the time. */
const LEAST_GAP = 100;
/** A reading that nobody asked for: a hint may be lost, and "the last hour" goes on by itself. It is a tenth of the time at most. */
const LOOK_EVERY = 5_000;
/** Before a connection that was lost is opened again. */
const AGAIN = 1_000;

export type Show = (news: DashboardNews) => void;

/**
 * Dashboards that somebody looks at: read when rows land, over one connection each, once for all who look. Of those that nobody looks
 * at nothing is asked.
 */
export class FollowedDashboards {
  readonly #options: FollowOptions;
  readonly #followed = new Map<string, Followed>();
  #graph: CompiledGraph;

  constructor(graph: CompiledGraph, options: FollowOptions) {
    this.#graph = graph;
    this.#options = options;
  }

  /** Reads what the project is now. */
  renew(graph: CompiledGraph): void {
    this.#graph = graph;
    for (const [name, followed] of this.#followed) {
      if (!this.#moves(name)) followed.tell({ kind: "gone" });
      followed.wake();
    }
  }

  /**
   * Tells of a dashboard until what it returns is called; at once what is known of it.
   * @returns undefined where the project has none of that name that shows what lands
   */
  watch(name: string, show: Show): (() => void) | undefined {
    if (!this.#moves(name)) return undefined;
    const known = this.#followed.get(name);
    const followed = known ?? new Followed();
    followed.viewers.add(show);
    if (followed.last) show(followed.last);
    if (!known) void this.#follow(name, followed);
    return () => {
      followed.viewers.delete(show);
      if (!followed.viewers.size) followed.wake();
    };
  }

  #moves(name: string): boolean {
    const { actions } = this.#graph;
    const found = actions.find(
      ({ kind, disabled, target }) => kind === "dashboard" && !disabled && target.name === name,
    );
    return found !== undefined && showsLanded(found.dependencies, actions);
  }

  async #follow(name: string, followed: Followed): Promise<void> {
    const { settings, signal, onLost } = this.#options;
    const how = { applicationName: "dataform-live", duty: "builder", signal } as const;
    this.#followed.set(name, followed);
    while (followed.viewers.size && this.#moves(name) && !signal.aborted) {
      try {
        await withClient(settings, how, (client) => this.#read(client, name, followed));
      } catch (error) {
        if (signal.aborted) break;
        if (followed.last) onLost(error as Error);
        followed.tell({ kind: "away" });
        await pause(AGAIN, signal).catch(() => {});
      }
    }
    // Whoever looks from now on begins anew.
    this.#followed.delete(name);
  }

  async #read(client: Client, name: string, followed: Followed): Promise<void> {
    const { environment, readSource, signal } = this.#options;
    for (const channel of CHANNELS) await listenTo(client, channel, () => followed.wake());
    let of: CompiledGraph | undefined;
    let known: readonly DashboardData[] | undefined;
    while (followed.viewers.size && this.#moves(name)) {
      const graph = this.#graph;
      // Heard while it reads: it reads again.
      const heard = followed.listen();
      const begun = performance.now();
      const asked = { graph, environment, readSource, only: [name] };
      known = await readDashboards(client, graph === of && known ? { ...asked, known } : asked);
      of = graph;
      followed.show(known[0]!);
      const took = performance.now() - begun;
      await pause(Math.max(LOOK_EVERY, 9 * took), AbortSignal.any([signal, heard])).catch(() =>
        signal.throwIfAborted(),
      );
      const left = Math.max(LEAST_GAP, 2 * took) - (performance.now() - begun);
      if (left > 0 && followed.viewers.size) await pause(left, signal);
    }
  }
}

/** A dashboard, and whoever looks at it. */
class Followed {
  readonly viewers = new Set<Show>();
  /** What the next to look is told first. */
  last: DashboardNews | undefined;
  #heard = new AbortController();
  /** What was told, as texts: how it is called, its panels, and what besides. */
  #frame = "";
  #panels: readonly string[] = [];
  #rest = "";

  /** A signal that comes with the next hint. */
  listen(): AbortSignal {
    this.#heard = new AbortController();
    return this.#heard.signal;
  }

  wake(): void {
    this.#heard.abort();
  }

  tell(news: DashboardNews): void {
    this.last = news.kind === "figures" ? news : undefined;
    for (const show of this.viewers) show(news);
  }

  /** Tells what was read, where it is something else than before. */
  show(data: DashboardData): void {
    const { title, text, readAt, release, filters, panels } = data;
    const frame = JSON.stringify([title, text, panels.length]);
    const isSame = this.last !== undefined && this.#frame === frame;
    const [texts, rest] = [panels.map((panel) => JSON.stringify(panel)), JSON.stringify([release, filters])];
    const different = panels.flatMap((panel, place) =>
      this.#panels[place] === texts[place] ? [] : [[place, panel] as const],
    );
    if (isSame && !different.length && this.#rest === rest) return;
    [this.#frame, this.#panels, this.#rest] = [frame, texts, rest];
    const whole = JSON.stringify(data);
    const change: DashboardChange = { readAt, release, filters, panels: different };
    this.tell({ kind: "figures", whole, ...(isSame ? { change: JSON.stringify(change) } : {}) });
  }
}
