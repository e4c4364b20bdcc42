import { useEffect, useState } from "preact/hooks";
import type { DashboardChange, DashboardData } from "../../model/dashboard.ts";
import { after } from "../../wait/timers.ts";

/** Whether figures come: not where the reader paused them, nor where nobody answers. */
export type LiveState = "connecting" | "live" | "paused" | "away";

/** A dashboard whose figures come as they change. */
export interface Live {
  readonly state: LiveState;
  /** As it is now; absent until the server has said it. */
  readonly data?: DashboardData;
  /** Whether it was seen to change, then when it was read. */
  readonly hasChanged?: boolean;
}

/** What is looked at. */
interface Followed {
  readonly name: string;
  readonly isPaused: boolean;
  readonly show: (change: (before: Live) => Live) => void;
}

declare global {
  /** As the server that gives the pages calls them. */
  var dataformVersion: string | undefined;
}

/** Before a server that answers with something else is asked again, in milliseconds. */
const AGAIN = 3_000;
/** Who has done nothing for so long, in milliseconds, is not disturbed by pages that are loaded anew. */
const QUIET = 20_000;

/** What the server that gives the pages tells: over one connection, and over none while nobody sees the page. */
class Server {
  #events: EventSource | undefined;
  /** Does not ask again, where it would. */
  #leave: (() => void) | undefined;
  #followed: Followed | undefined;
  /** Of which pages this is, by name: their data, and what shows these. */
  #version: readonly string[] | undefined = globalThis.dataformVersion?.split(" ");
  #isOld = false;
  #seenAt = Number.NEGATIVE_INFINITY;

  start(): void {
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#close() : this.#open()));
    for (const done of ["pointerdown", "keydown", "wheel"] as const)
      addEventListener(done, () => this.#heed(), { passive: true, capture: true });
    addEventListener("hashchange", ({ oldURL, newURL }) => {
      const isElsewhere = oldURL.split("?")[0] !== newURL.split("?")[0];
      if (this.#isOld && !this.#followed && isElsewhere) location.reload();
    });
    this.#open();
  }

  /** @param followed what is looked at from now on: nothing that moves */
  follow(followed: Followed | undefined): void {
    this.#followed = followed;
    if (!followed && this.#isOld) location.reload();
    else if (this.#events || this.#leave) this.#open();
  }

  #open(): void {
    this.#close();
    if (document.hidden) return;
    const followed = this.#followed?.isPaused ? undefined : this.#followed;
    const events = new EventSource(followed ? `events?dashboard=${encodeURIComponent(followed.name)}` : "events");
    this.#events = events;
    events.addEventListener("site", ({ data }) => this.#hearVersion((data as string).split(" ")));
    events.addEventListener("dashboard", ({ data }) =>
      followed?.show((before) => ({ ...before, state: "live", data: JSON.parse(data as string) })),
    );
    events.addEventListener("change", ({ data }) =>
      followed?.show((before) => ({
        ...{ state: "live", hasChanged: true },
        data: changed(before.data!, JSON.parse(data as string)),
      })),
    );
    events.addEventListener("away", () => followed?.show((before) => ({ ...before, state: "away" })));
    events.addEventListener("gone", () => location.reload());
    events.onerror = () => {
      followed?.show((before) => ({ ...before, state: "away" }));
      // By itself a browser asks again only where nobody answered.
      if (events.readyState === EventSource.CLOSED) this.#leave = after(AGAIN, () => this.#open());
    };
  }

  #close(): void {
    this.#leave?.();
    this.#leave = undefined;
    this.#events?.close();
    this.#events = undefined;
  }

  #heed(): void {
    this.#seenAt = performance.now();
  }

  #hearVersion(version: readonly string[]): void {
    this.#version ??= version;
    const [data, page] = this.#version;
    this.#isOld = version[0] !== data;
    if (version[1] !== page) location.reload();
    else this.#renew();
  }

  /** Loads pages anew that are another release's. Figures that move do so by themselves, and what a reader is at stays. */
  #renew(): void {
    if (!this.#isOld || this.#followed) return;
    const left = this.#seenAt + QUIET - performance.now();
    if (left <= 0) location.reload();
    else after(left, () => this.#renew());
  }
}

/** Panels that are as they were stay the same ones, and are not drawn anew. */
function changed(before: DashboardData, { panels, filters, ...said }: DashboardChange): DashboardData {
  const moved = new Map(panels);
  const isSame = JSON.stringify(filters) === JSON.stringify(before.filters);
  return {
    ...before,
    ...said,
    filters: isSame ? before.filters : filters,
    panels: before.panels.map((panel, place) => moved.get(place) ?? panel),
  };
}

const server = new Server();

/** From the first page on. */
export function followServer(): void {
  server.start();
}

/**
 * The figures of a dashboard as they change, for as long as it is shown.
 * @param name undefined where they do not
 * @param isPaused whether what is shown stays as it is
 */
export function useLive(name: string | undefined, isPaused: boolean): Live {
  const [live, setLive] = useState<Live>({ state: "connecting" });
  useEffect(() => {
    if (name === undefined) return;
    setLive((before) => ({ ...before, state: isPaused ? "paused" : "connecting" }));
    server.follow({ name, isPaused, show: setLive });
  }, [name, isPaused]);
  useEffect(() => (name === undefined ? undefined : () => server.follow(undefined)), [name]);
  return live;
}
