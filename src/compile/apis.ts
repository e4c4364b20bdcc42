import type { ApiFile, ApiFiles } from "../config/load-endpoints.ts";
import type { DeclaredEndpoint } from "../model/api.ts";
import { UserError } from "../model/errors.ts";
import type { Action, Api, Trace } from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import { EndpointReader } from "./endpoint.ts";
import { HeldKeys } from "./held-keys.ts";
import { mistake } from "./mistake.ts";
import { ReadableNames } from "./readable-names.ts";
import { showingAction, takenName } from "./showing-file.ts";

/** The schema of their keys: `serve.marketing`. Nothing of that name is made. */
const SCHEMA = "serve";

export interface AdoptedApis {
  readonly actions: readonly Api[];
  readonly traces: readonly Trace[];
  readonly errors: readonly UserError[];
}

/**
 * The endpoints of a project as actions, one for each file.
 * @param names what each action is called in the project, and in the database
 */
export function adoptApis(
  { files }: Pick<ApiFiles, "files">,
  actions: readonly Action[],
  names: ReadonlyMap<string, Target>,
): AdoptedApis {
  const readable = new ReadableNames(actions, names);
  const keys = new HeldKeys(actions);
  const taken = new Set(actions.map(({ target }) => targetKey(target)));
  const paths = new Map<string, string>();
  const adopted: Api[] = [];
  const traces: Trace[] = [];
  const errors: UserError[] = [];
  for (const file of files) {
    const target = { schema: SCHEMA, name: file.name };
    if (taken.has(targetKey(target))) errors.push(takenName(file, target));
    const endpoints: DeclaredEndpoint[] = [];
    for (const at of file.written.endpoints.keys()) {
      try {
        refuseTwice(file, at, paths);
        const { endpoint, trace } = new EndpointReader(file, at, readable, keys).adopted();
        endpoints.push(endpoint);
        traces.push(trace);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        errors.push(error);
      }
    }
    const reads = endpoints.map((one) => one.reads);
    adopted.push({ kind: "api", ...showingAction(file, target, reads), endpoints });
  }
  return { actions: adopted, traces, errors };
}

/** Two addresses that a request cannot tell apart, in whichever files. */
function refuseTwice({ file, place, written }: ApiFile, index: number, paths: Map<string, string>): void {
  const { path } = written.endpoints[index]!;
  const shape = path.replace(/\{[^}]*\}/g, "{}");
  const other = paths.get(shape);
  if (other !== undefined)
    throw mistake({
      message: `${path} stands in ${other} already`,
      ...place.in("endpoints", index).value("path"),
      expected: "an address of its own, whatever its parameters are called",
      found: path,
      hint: "one address answers one thing: give it another path",
    });
  paths.set(shape, file);
}
