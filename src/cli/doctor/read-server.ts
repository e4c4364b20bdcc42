import { hasMetadata } from "../../environment/layout.ts";
import { LAYOUTS } from "../../environment/layouts.ts";
import { readRecord } from "../../environment/record.ts";
import { notAllowed } from "../../environment/session.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { errorData, type UserErrorDetails, userErrorsOf } from "../../model/errors.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import { roleName } from "../../model/roles.ts";
import { refuseStranger } from "../../plan/owner.ts";
import { type Client, withClient } from "../../postgres/client.ts";
import { noSession } from "../../postgres/pooler.ts";
import { databaseFailure, SQLSTATE, sqlState } from "../../postgres/sqlstate.ts";
import { wayOf } from "../../postgres/way.ts";
import { listEnvironments } from "../../release/environments.ts";
import type { Attended } from "../interrupt.ts";
import { environmentName } from "../options.ts";
import { askRights, askServer, inReading } from "./ask-server.ts";
import type { DoctorFlags, ProjectFacts, RecordFacts, RoleFacts, ServerFacts } from "./facts.ts";

interface Wanted {
  readonly project: ProjectFacts;
  readonly graph: CompiledGraph | undefined;
  readonly flags: DoctorFlags;
  readonly how: Attended;
}

/** Asks a server that can be reached. Nothing is changed in it. */
export async function readServer(settings: ConnectionSettings, wanted: Wanted): Promise<ServerFacts> {
  const { project, flags, how } = wanted;
  const begun = performance.now();
  const asked = await withClient(settings, { ...SESSION, names: "ours", ...how }, async (client) => {
    const login = performance.now() - begun;
    const way = await wayOf(client, settings);
    return inReading(client, async () => ({
      ...{ login, way },
      ...(await askServer(client)),
      rights: await askRights(client, writers(settings, project.schemas)),
    }));
  });
  const { pooling } = asked.way;
  return {
    ...asked,
    ...(pooling?.per === "transaction"
      ? { noSession: errorData(noSession(settings, pooling.seen, "runs are refused here")) }
      : {}),
    concurrency: flags.concurrency ?? 4,
    roles: await readRoles(settings, how),
    record: await readRecordFacts(settings, wanted),
  };
}

/** @throws what is no fact about a database */
export function failureOf(error: unknown): UserErrorDetails {
  const [first] = userErrorsOf(error) ?? [];
  const failure = first ?? databaseFailure(error);
  if (failure) return errorData(failure);
  throw error;
}

const SESSION = { applicationName: "dataform-doctor", oneTransaction: true } as const;

/** Who writes in a run, and into which schemas besides ours. */
function writers({ roles, user }: ConnectionSettings, schemas: readonly string[]) {
  if (!roles) return [{ user, schemas }];
  return [
    { user: roleName(roles, "builder"), roles, schemas: [] },
    { user: roleName(roles, "publisher"), roles, schemas },
  ];
}

/** Whether the logins can act as the roles that a run needs, by doing so. */
async function readRoles(settings: ConnectionSettings, how: Attended): Promise<readonly RoleFacts[]> {
  const { roles, user, publisher } = settings;
  if (!roles) return [];
  const found: RoleFacts[] = [];
  for (const duty of ["builder", "publisher"] as const) {
    const login = duty === "publisher" && publisher ? publisher.user : user;
    const about = { duty, role: roleName(roles, duty), user: login };
    try {
      await withClient(settings, { ...SESSION, duty, ...how }, async () => {});
      found.push(about);
    } catch (error) {
      found.push({ ...about, failure: failureOf(error) });
    }
  }
  return found;
}

async function readRecordFacts(settings: ConnectionSettings, { graph, flags, how }: Wanted): Promise<RecordFacts> {
  const environment = environmentName(flags);
  const none = { environment, layout: 0, newestLayout: LAYOUTS.length };
  try {
    return await withClient(settings, { ...SESSION, duty: "publisher", ...how }, (client) =>
      inReading(client, async () => ({ ...none, ...(await inRecord(client, environment, graph)) })),
    );
  } catch (error) {
    const refused = sqlState(error) === SQLSTATE.insufficientPrivilege;
    const failure = failureOf(refused ? notAllowed((error as Error).message, settings) : error);
    return { ...none, failure };
  }
}

async function inRecord(
  client: Client,
  environment: string,
  graph: CompiledGraph | undefined,
): Promise<Partial<RecordFacts>> {
  const { layout, columns } = await readRecord(client);
  const isOld = layout > 0 && layout < LAYOUTS.length && !columns.length;
  if (isOld || !(await hasMetadata(client))) return { layout };
  const summary = (await listEnvironments(client)).find((one) => one.environment === environment);
  if (!summary) return { layout };
  try {
    if (graph) refuseStranger(graph.project, { environment, project: summary.project });
    return { layout, summary };
  } catch (error) {
    return { layout, summary, failure: failureOf(error) };
  }
}
