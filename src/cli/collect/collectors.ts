import { relative } from "node:path";
import type { FastifyInstance } from "fastify";
import { Collector, type CollectorOptions } from "../../collect/collector.ts";
import type { CollectedSource } from "../../collect/lane.ts";
import { ingestFiles } from "../../config/ingest-files.ts";
import { readYaml } from "../../config/yaml.ts";
import { parquetLake } from "../../export/lake.ts";
import type { IngestDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import type { Access } from "../../serve/access/access.ts";
import { addCollector, collectPath } from "../../serve/collect/collect-routes.ts";
import type { Verdict } from "../../serve/health.ts";
import type { RunningServer } from "../../serve/server.ts";
import { chooseSources, sourceOf } from "../ingest/choose.ts";
import type { Shell } from "../shell.ts";

export interface CollectorFlags {
  readonly every: number;
  /** Megabytes. */
  readonly room: number;
}

/** The sources that events are sent to: those named, or all. */
export function collectedSources(shell: Shell, names: readonly string[]): readonly CollectedSource[] {
  const files = names.length ? [] : ingestFiles(shell.projectDir).filter((file) => isCollected(shell, file));
  if (!names.length && !files.length)
    throw new UserError({
      message: "no source is declared that events could be sent to",
      expected: "a file ingest/<source>.yaml with collect:",
      hint: "docs/events.md has an example",
    });
  const chosen = chooseSources(shell, names.length ? names : files.map(sourceOf));
  for (const [index, { declaration, streams }] of chosen.entries()) {
    if (declaration.connector.kind !== "collect") throw notCollected(declaration);
    if (streams.length < declaration.streams.length)
      throw new UserError({
        message: `${names[index]} names a stream`,
        expected: `a source: ${declaration.source}`,
        hint: "what an event is about says which stream it belongs to",
      });
  }
  return chosen.map(({ declaration }) => declaration as CollectedSource);
}

function isCollected(shell: Shell, file: string): boolean {
  const { value } = readYaml(file, relative(shell.projectDir, file));
  return value !== null && typeof value === "object" && Object.hasOwn(value, "collect");
}

function notCollected({ file, source, connector }: IngestDeclaration): UserError {
  return new UserError({
    message: `nothing is sent to ${source}`,
    location: { file },
    expected: "a source with collect:",
    found: `one with ${connector.kind}:`,
    hint: `\`dataform ingest ${source}\` loads it`,
  });
}

/** The collectors of some sources in one process. */
export class Collectors {
  readonly #all: readonly Collector[];

  private constructor(all: readonly Collector[]) {
    this.#all = all;
  }

  /** @throws UserError where the database cannot be reached, or cannot have the tables */
  static async open(
    shell: Shell,
    sources: readonly CollectedSource[],
    { every, room }: CollectorFlags,
    {
      signal,
      ...given
    }: Pick<CollectorOptions, "settings" | "patience" | "measuring"> & { readonly signal: AbortSignal },
  ): Promise<Collectors> {
    const log = (line: string) => shell.say(line);
    const options: Omit<CollectorOptions, "source"> = {
      ...given,
      every,
      room: room * 1024 * 1024,
      log,
      lake: parquetLake,
    };
    const all: Collector[] = [];
    // One after the other: they may make the same schema.
    for (const source of sources) all.push(await Collector.open({ ...options, source }, signal));
    return new Collectors(all);
  }

  addTo(server: FastifyInstance, access: Access): void {
    for (const collector of this.#all) addCollector(server, collector, (...asked) => access.nameOfSender(...asked));
  }

  /** What each holds at this moment. */
  get held() {
    return this.#all.map((one) => one.held);
  }

  /** Whether events are taken. */
  async read(): Promise<Verdict> {
    const away = this.#all.map(({ refusal }) => refusal).find((refusal) => refusal && refusal.why !== "full");
    return away ? { ready: false, why: away.message } : { ready: true };
  }

  /** Lands what comes until the signal does, and what waits then. */
  async run(signal: AbortSignal, drainTime: number): Promise<void> {
    await Promise.all(this.#all.map((one) => one.run(signal, drainTime)));
  }
}

/** Who may send to a source. */
export function senders({ connector: { scope } }: CollectedSource): { readonly access: "key"; readonly scope: string } {
  return { access: "key", scope };
}

export function takenAt(paths: ReadonlySet<string>, { address }: Pick<RunningServer, "address">): string {
  return `events are taken at ${[...paths].map((path) => `${address}${path.slice(1)}`).join(", ")}`;
}

/** Where events of these sources are taken. */
export function collectPaths(sources: readonly CollectedSource[]): ReadonlySet<string> {
  return new Set(sources.map((source) => collectPath({ source })));
}
