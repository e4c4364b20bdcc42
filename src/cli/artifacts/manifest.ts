import { VERSION } from "../../config/version.ts";
import type { Action, CompiledGraph } from "../../model/graph.ts";
import { targetKey } from "../../model/target.ts";
import { bareActions } from "../../plan/bare.ts";
import { readable } from "../compiled.ts";
import type { Shell } from "../shell.ts";
import { type ArtifactFlags, writeArtifact } from "./files.ts";

/** The project as it was compiled, for other programs, and for `--state`. */
export interface ProjectManifest extends Omit<CompiledGraph, "traces" | "actions"> {
  /** The program and its version. */
  readonly writtenBy: string;
  readonly writtenAt: string;
  readonly actions: readonly (Action & ActionPlace)[];
}

interface ActionPlace {
  /** `schema.name`. */
  readonly id: string;
  /** The same without the suffix and the prefix of an environment. */
  readonly bareId: string;
  /** Hash of what it is compiled to, alike in every environment: another one is another code. */
  readonly code: string;
  /** Ids of what reads it or waits for it. */
  readonly readBy: readonly string[];
}

/** Writes `manifest.json`, where it is asked for. */
export function writeManifest(graph: CompiledGraph, flags: ArtifactFlags, shell: Shell): void {
  writeArtifact(flags, "manifest", () => JSON.stringify(manifestOf(graph), null, 2), shell);
}

function manifestOf(graph: CompiledGraph): ProjectManifest {
  const bare = bareActions(graph);
  const readBy = new Map<string, string[]>();
  for (const { target, dependencies } of graph.actions)
    for (const key of dependencies.map(targetKey)) readBy.set(key, [...(readBy.get(key) ?? []), targetKey(target)]);
  const { actions, ...others } = readable(graph);
  return {
    ...others,
    ...written(),
    actions: actions.map((action) => {
      const id = targetKey(action.target);
      const { name: bareId, code } = bare.get(id)!;
      return { id, bareId, code, readBy: readBy.get(id) ?? [], ...action };
    }),
  };
}

/** By whom, and when. */
export function written() {
  return { writtenBy: `dataform-postgres ${VERSION}`, writtenAt: new Date().toISOString() };
}
