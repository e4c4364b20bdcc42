import { userInfo } from "node:os";
import { counted } from "../model/counted.ts";
import { type CompiledGraph, isShowing } from "../model/graph.ts";
import { targetKey } from "../model/target.ts";
import { compileProject } from "./compiling.ts";
import { openDatabase, whereLine } from "./database.ts";
import { attended } from "./interrupt.ts";
import { tellFailures, tryOut } from "./plan/print.ts";
import { runAndTell } from "./run-command.ts";
import { type RunFlags, warnOfNothing } from "./selection.ts";
import type { Shell } from "./shell.ts";

/** Nobody goes back to what was built a moment ago. */
const KEPT = { keepReleases: 1, keepFor: 0 } as const;

/** The flags with an environment that is the person's own, `dev_<user>`, unless they say which. */
export function ownEnvironment(flags: RunFlags, shell: Shell): RunFlags {
  const { schemaSuffix, tablePrefix, environment } = flags;
  const isSaid = [schemaSuffix, tablePrefix, environment].some((one) => one !== undefined);
  return isSaid ? flags : { ...flags, schemaSuffix: `dev_${userName(shell)}` };
}

/** As part of a schema's name. */
function userName({ env }: Shell): string {
  const name = env.USER ?? env.USERNAME ?? userInfo().username;
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "_")
    .slice(0, 30);
}

/** A project that somebody works at: what changed is checked, and built where the check finds nothing wrong. */
export class Development {
  readonly #flags: RunFlags;
  readonly #shell: Shell;
  /** Operations as they were run, by `schema.name`: they are run again when they are others. */
  #done: ReadonlyMap<string, string> = new Map();
  #where: string | undefined;

  constructor(flags: RunFlags, shell: Shell) {
    this.#flags = { ...flags, ...KEPT, changed: true };
    this.#shell = shell;
  }

  /** @throws UserError or UserErrors where the project does not compile, or the database is not there */
  async once(): Promise<void> {
    const shell = this.#shell;
    const graph = await compileProject(shell, this.#flags);
    const settings = await openDatabase(shell, this.#flags);
    this.#sayWhere(whereLine(settings, this.#flags, shell));
    const flags = this.#withoutDone(graph);
    warnOfNothing(graph, this.#flags, shell);
    const seen = await attended(shell, (how) => tryOut(graph, settings, flags, { shell, how }));
    if (Object.keys(seen.preview.failures).length > 0) {
      tellFailures(seen.preview, flags, shell);
      return shell.say("nothing is built before that is right");
    }
    const { segments, unchanged = 0 } = seen.plan;
    const isDue = segments.some(({ steps, audits }) => steps.length > 0 || audits.some(({ kind }) => !isShowing(kind)));
    if (!isDue) return shell.say(`nothing to build: ${counted(unchanged, "action")} as they were built last`);
    const report = await runAndTell(graph, settings, flags, shell);
    if (report.status !== "cancelled") this.#done = operationsOf(graph);
  }

  #sayWhere(where: string): void {
    if (where !== this.#where) this.#shell.say(where);
    this.#where = where;
  }

  #withoutDone(graph: CompiledGraph): RunFlags {
    const done = [...operationsOf(graph)].filter(([key, code]) => this.#done.get(key) === code).map(([key]) => key);
    return done.length ? { ...this.#flags, exclude: [...(this.#flags.exclude ?? []), ...done] } : this.#flags;
  }
}

function operationsOf({ actions }: CompiledGraph): ReadonlyMap<string, string> {
  return new Map(
    actions.flatMap((action) =>
      action.kind === "operations" ? [[targetKey(action.target), JSON.stringify(action.queries)] as const] : [],
    ),
  );
}
