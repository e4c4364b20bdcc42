import type { Worker } from "../environment/worker.ts";
import { UserError } from "../model/errors.ts";
import type { BuildStep } from "../model/plan.ts";
import { refuseOurNames } from "../plan/our-names.ts";
import { isWhole, keepsShape, shapeOf } from "../plan/shape.ts";
import { describeColumns, describeObjects } from "../postgres/describe-objects.ts";
import { send } from "../postgres/send.ts";
import { sql } from "../sql/sql.ts";
import type { RunContext } from "./context.ts";
import { ourName } from "./explain.ts";
import { mistakeIn } from "./later.ts";
import { objectsOf, publishItem } from "./publish-item.ts";

/**
 * Asks for the columns of a model before its rows are computed, where they may be refused, or where others put something on
 * its view: what the table cannot take, what is called as a column of ours, what could not be published and what only a later run
 * would find wrong is not built, and what goes with the columns is told. A query that fails here fails again when it is built, with its place.
 */
export async function lookAhead(step: BuildStep, { client }: Worker, context: RunContext): Promise<void> {
  const { newRows } = step;
  const isAttached = context.isAttached(step);
  if ((!step.entry.storage && !isAttached && !step.later) || !isWhole(step)) return;
  const made = newRows?.table ?? step.entry.object;
  let mistake: unknown;
  try {
    await client.query(sql`begin`);
    await send(client, shapeOf(step));
    mistake = step.later && (await mistakeIn(client, step, context.graph));
    if (mistake) throw mistake;
    const columns = (await describeColumns(client, [made])).get(made)!;
    refuseOurNames(step, columns);
    const whole = newRows ? context.check({ ...step, newRows }, columns) : step;
    if (!isAttached || !keepsShape(whole)) return;
    if (whole !== step) await send(client, shapeOf(whole));
    const goes = context.follow(publishItem(whole, await describeObjects(client, objectsOf(whole))));
    if (goes) context.events.foreseen?.(goes);
  } catch (error) {
    const refused = error instanceof UserError ? error : ourName(error, step);
    if (refused || mistake) throw refused ?? mistake;
  } finally {
    await client.query(sql`rollback`).catch(() => {});
  }
}
