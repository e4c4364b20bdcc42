import type pg from "pg";
import type { ConnectionSettings } from "../src/model/connection-settings.ts";
import type { CompiledGraph } from "../src/model/graph.ts";
import type { BuildStep, OperationsStep, Plan, Segment } from "../src/model/plan.ts";
import { targetKey } from "../src/model/target.ts";
import { plan } from "../src/plan/planner.ts";
import { withClient } from "../src/postgres/client.ts";
import { readCatalog } from "../src/postgres/read-catalog.ts";
import { createPublicView } from "../src/sql/ddl.ts";
import { joinStatements } from "../src/sql/message.ts";
import { statement } from "../src/sql/statement.ts";
import { openClient } from "./server.ts";
import { columns } from "./workload.ts";

export const CONNECTIONS = 4;

/**
 * Sends what our run would send, over plain connections and nothing else: no lock, no history, no checks.
 * `build` counts from 1: the second one stands beside the first, as the second release does. Gives the seconds.
 */
export async function replay(graph: CompiledGraph, database: ConnectionSettings, build: number): Promise<number> {
  const planned = await planOf(graph, database, build);
  const views = publicViews(planned, build > 1);
  const started = performance.now();
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => openClient(database)));
  try {
    await clients[0]!.query(`create schema if not exists _dataform; ${joinStatements(planned.preparation)}`);
    for (const segment of planned.segments) {
      await replaySteps(segment, clients);
      await replayAudits(segment, clients);
    }
    await clients[0]!.query(views);
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
  return (performance.now() - started) / 1000;
}

async function planOf(graph: CompiledGraph, database: ConnectionSettings, build: number): Promise<Plan> {
  // Not of the public views: which release they are of says a record, and there is none.
  const catalog = await withClient(database, {}, (client) => readCatalog(client, "main", []));
  return plan(graph, { ...catalog, nextRelease: build });
}

/** All public views in one message, which is one transaction. */
function publicViews({ segments }: Plan, replace: boolean): string {
  const builds = segments.flatMap(({ steps }) => steps.filter((step): step is BuildStep => step.step === "build"));
  return joinStatements(
    builds.map(({ target, entry }) => statement("shape", createPublicView(target, columns, entry.object, [], replace))),
  ).toString();
}

/** One message per step, each after those it waits for. */
async function replaySteps({ steps }: Segment, clients: readonly pg.Client[]): Promise<void> {
  const open = new Set(steps.map(({ target }) => targetKey(target)));
  const waiting = new Map<string, number>();
  const readers = new Map<string, (BuildStep | OperationsStep)[]>();
  for (const step of steps) {
    const inside = step.waitsFor.filter((key) => open.has(key));
    waiting.set(targetKey(step.target), inside.length);
    for (const key of inside) readers.set(key, [...(readers.get(key) ?? []), step]);
  }
  const ready = steps.filter(({ target }) => waiting.get(targetKey(target)) === 0);
  const idle = [...clients];
  await new Promise<void>((resolve, reject) => {
    const dispatch = () => {
      while (idle.length && ready.length) {
        const client = idle.pop()!;
        const step = ready.shift()!;
        client.query(joinStatements(step.statements).toString()).then(() => {
          idle.push(client);
          finish(targetKey(step.target));
        }, reject);
      }
    };
    const finish = (key: string) => {
      open.delete(key);
      for (const reader of readers.get(key) ?? []) {
        const left = waiting.get(targetKey(reader.target))! - 1;
        waiting.set(targetKey(reader.target), left);
        if (left === 0) ready.push(reader);
      }
      if (open.size) dispatch();
      else resolve();
    };
    dispatch();
  });
}

async function replayAudits({ audits }: Segment, clients: readonly pg.Client[]): Promise<void> {
  const queue = [...audits];
  await Promise.all(
    clients.map(async (client) => {
      for (let step = queue.shift(); step; step = queue.shift()) await client.query(step.statement.sql);
    }),
  );
}
