import type { Worker } from "../environment/worker.ts";
import { UserError } from "../model/errors.ts";
import type { PublishItem, Statement } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";
import { type PublishInput, planPublish, rehearsal } from "../plan/publish-plan.ts";
import type { Client } from "../postgres/client.ts";
import { messageOf } from "../postgres/send.ts";
import { connectionLost, postgresError } from "../postgres/sqlstate.ts";
import { sql } from "../sql/sql.ts";
import { begin, type PublishOptions, publishOn, withOffer } from "./publish.ts";

/** Some models of a release cannot be published, each for its own reason. Nothing was; the others could be. */
export class Unpublishable extends Error {
  /** By `schema.name`. */
  readonly causes: ReadonlyMap<string, unknown>;

  constructor(causes: ReadonlyMap<string, unknown>) {
    super(`${[...causes.keys()].join(", ")} cannot be published`);
    this.causes = causes;
  }
}

/** SQLSTATEs of lost connections, of what the server has no room for, and of its own failures. */
const OF_THE_SERVER = /^(?:08|53|57|58|XX)/;

/** Milliseconds that readers may keep one trial from its locks; then it says nothing. */
const PATIENCE = 2_000;

/**
 * The models whose statements are why a release could not be published, each with its error. Those of a delta are known by
 * the statement that failed. For those of the public views, and for what is only checked once all rows are there, the server
 * is asked: each model alone, in a transaction that is rolled back. None where the failure is no model's.
 */
export async function whoFails(
  error: unknown,
  input: PublishInput,
  worker: Worker,
  options: PublishOptions,
): Promise<ReadonlyMap<string, unknown>> {
  const failure = postgresError(error);
  if (!failure || OF_THE_SERVER.test(failure.code)) return new Map();
  const failed: Statement | undefined = messageOf(error)[failure.completed ?? -1];
  const owner =
    input.items.find(({ delta }) => failed && delta?.statements.includes(failed)) ??
    input.items.find(({ entry }) => failure.table !== undefined && entry.storage?.table === failure.table);
  if (owner) return new Map([[targetKey(owner.target), error]]);
  // Deltas that went well are not done again.
  const items = failed?.role === "publish" ? input.items.map(withoutNewRows) : input.items;
  const { client } = worker;
  try {
    await begin(client);
    if (await trial(client, { ...input, items: [] }, options)) return new Map();
    const found = new Map<string, unknown>();
    for (const item of items) {
      const cause = await trial(client, { ...input, items: [item] }, options);
      if (cause) found.set(targetKey(item.target), cause);
    }
    return isOneCause(found, items.length) ? new Map() : found;
  } finally {
    await worker.reset();
  }
}

/** Where each of several says the same, it is no model's: an event trigger, a right that the role has lost. */
function isOneCause(found: ReadonlyMap<string, unknown>, models: number): boolean {
  const said = new Set([...found.values()].map((cause) => (cause as Error).message));
  return models > 1 && found.size === models && said.size === 1;
}

/** Publishes all but the commit. Returns what the server says against it. */
async function trial(client: Client, input: PublishInput, options: PublishOptions): Promise<unknown> {
  const quiet = { ...options, deadline: PATIENCE, failpoint: async () => {}, onWait: () => {}, watch: undefined };
  const plan = rehearsal(planPublish(input));
  try {
    await withOffer(plan, options.asPublisher, () => publishOn(client, plan, quiet));
    return undefined;
  } catch (error) {
    if (connectionLost(error)) throw error;
    await client.query(sql`rollback`).catch(() => {});
    options.signal.throwIfAborted();
    return error instanceof UserError ? undefined : error;
  }
}

function withoutNewRows(item: PublishItem): PublishItem {
  return item.delta
    ? { ...item, delta: { ...item.delta, statements: item.delta.statements.filter(makesShape) } }
    : item;
}

/** A rollback makes the view that is published among the statements of its delta. */
function makesShape({ role }: Statement): boolean {
  return role === "shape" || role === "label";
}
