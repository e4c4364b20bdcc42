import { readFacts } from "../../catalogue/facts.ts";
import { originsOf } from "../../config/origins.ts";
import { refuseDamagedRecord } from "../../environment/record.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { userErrorsOf } from "../../model/errors.ts";
import { type CompiledGraph, isModel } from "../../model/graph.ts";
import { targetKey } from "../../model/target.ts";
import { withClient, withTransaction } from "../../postgres/client.ts";
import type { DescribedColumn } from "../../postgres/describe-types.ts";
import { databaseFailure } from "../../postgres/sqlstate.ts";
import { sql } from "../../sql/sql.ts";
import { columnsNow } from "../columns-now.ts";
import { type Attended, attended } from "../interrupt.ts";
import { type EnvironmentFlags, environmentName } from "../options.ts";
import { readRelease } from "../read-release.ts";
import type { Shell } from "../shell.ts";
import { catalogueOf, UNREAD } from "../warehouse/known.ts";
import { warn } from "../warnings.ts";
import { describeForeign, describeOne, type Facts, keyNamed } from "./describe.ts";
import type { DescribedRelation } from "./described.ts";

const BEGIN = sql`begin transaction isolation level repeatable read read only`;
const SESSION = { applicationName: "dataform-describe" } as const;

/** What a name means, by the code alone. */
export function describeByCode(
  name: string,
  graph: CompiledGraph,
  flags: EnvironmentFlags,
  shell: Shell,
): DescribedRelation {
  const facts = factsOf(graph, UNREAD, flags, shell, false);
  return describeOne(keyNamed(name, facts), facts);
}

/** The same with what the database says of it; nothing is written there. */
export function describeInDatabase(
  name: string,
  graph: CompiledGraph,
  settings: ConnectionSettings,
  { flags, shell }: { readonly flags: EnvironmentFlags; readonly shell: Shell },
): Promise<DescribedRelation> {
  return attended(shell, async (how) => {
    const session = { ...SESSION, ...how, duty: "publisher" } as const;
    const read = await withClient(settings, session, async (client) => {
      await refuseDamagedRecord(client);
      return withTransaction(client, () => readRelease(client, graph, environmentName(flags)), BEGIN);
    });
    const facts = factsOf(graph, read, flags, shell, true);
    const foreign = await foreignNamed(name, facts, settings, how);
    if (foreign) return foreign;
    const key = keyNamed(name, facts);
    const described = describeOne(key, facts);
    const now =
      described.state === "published" ? undefined : await columnsAsCodeSays(key, graph, settings, { shell, how });
    if (!now) return described;
    const known = read.facts.get(key);
    const columns = now.map(({ column, name: type }) => ({
      isNotNull: false,
      ...known?.columns.find((one) => one.name === column),
      ...{ name: column, type },
    }));
    const asNow = new Map(read.facts).set(key, { stored: { indexes: [], grants: [] }, ...known, columns });
    return describeOne(key, factsOf(graph, { ...read, facts: asNow }, flags, shell, true));
  });
}

function factsOf(
  graph: CompiledGraph,
  read: typeof UNREAD,
  flags: EnvironmentFlags,
  { projectDir }: Shell,
  isRead: boolean,
): Facts {
  const catalogue = catalogueOf({ graph, ...read }, environmentName(flags));
  return { graph, catalogue, verdicts: read.verdicts, origins: originsOf(projectDir), isRead };
}

/** A relation of the database that the project knows nothing of, by `schema.name`. */
async function foreignNamed(
  name: string,
  { catalogue, graph }: Facts,
  settings: ConnectionSettings,
  how: Attended,
): Promise<DescribedRelation | undefined> {
  const dot = name.indexOf(".");
  const ours = [...catalogue.relations.map(({ key }) => key), ...graph.actions.map(({ target }) => targetKey(target))];
  if (dot < 1 || /[*?]/.test(name) || ours.includes(name)) return undefined;
  const target = { schema: name.slice(0, dot), name: name.slice(dot + 1) };
  const found = await withClient(settings, { ...SESSION, ...how, duty: "builder" }, (client) =>
    readFacts(client, [target], {}),
  );
  const facts = found.get(name);
  return facts && describeForeign(target, facts, catalogue.environment);
}

/** The columns that a model's query gives now; undefined of what is none, and where the query is wrong, which is told. */
async function columnsAsCodeSays(
  key: string,
  graph: CompiledGraph,
  settings: ConnectionSettings,
  { shell, how }: { readonly shell: Shell; readonly how: Attended },
): Promise<readonly DescribedColumn[] | undefined> {
  const model = graph.actions.find(({ target }) => targetKey(target) === key);
  if (!model || !isModel(model)) return undefined;
  try {
    return await columnsNow(graph, settings, model, { ...SESSION, ...how });
  } catch (error) {
    const wrong = userErrorsOf(error)?.[0] ?? databaseFailure(error);
    if (!wrong) throw error;
    warn(shell, [`its query cannot be read as it is now, so the columns are those known before: ${wrong.message}`]);
    return undefined;
  }
}
