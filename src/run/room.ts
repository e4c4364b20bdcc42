import type { Catalog } from "../model/catalog.ts";
import { counted } from "../model/counted.ts";
import type { UserError } from "../model/errors.ts";
import type { Plan, PublishItem } from "../model/plan.ts";
import { locksToPublish } from "../plan/locks.ts";
import type { Client } from "../postgres/client.ts";
import { type LockRoom, noRoomForLocks, readLockRoom } from "../postgres/lock-room.ts";

/** So few are no matter for any server. */
const FEW = 200;

export function stepsOf({ segments }: Pick<Plan, "segments">): number {
  return segments.reduce((sum, { steps, audits }) => sum + steps.length + audits.length, 0);
}

/** What the server has room for, where a plan is large enough to ask. */
export async function roomFor(plan: Pick<Plan, "segments">, client: Client): Promise<LockRoom | undefined> {
  return stepsOf(plan) > FEW ? readLockRoom(client) : undefined;
}

/** Why it may not be possible to publish so much in one commit. */
export function roomToPublish(
  items: readonly Pick<PublishItem, "target">[],
  catalog: Catalog,
  room: LockRoom,
): UserError | undefined {
  const locks = locksToPublish(items, catalog);
  if (locks <= room.objects) return undefined;
  return noRoomForLocks(room, locks, `${counted(items.length, "model")} may be too many to publish in one commit`);
}

/**
 * Before anything is built.
 * @throws UserError where the server cannot have the room: what it has to spare is never as much again
 */
export async function refuseWithoutRoom(plan: Pick<Plan, "segments">, catalog: Catalog, client: Client): Promise<void> {
  const room = await roomFor(plan, client);
  if (!room) return;
  for (const { steps } of plan.segments) {
    const built = steps.filter(({ step }) => step === "build");
    const locks = locksToPublish(built, catalog);
    if (locks <= 2 * room.objects) continue;
    throw noRoomForLocks(
      room,
      locks,
      `${counted(built.length, "model")} are too many to publish in one commit`,
      "or run some at a time (--actions, --tags): nothing was built",
    );
  }
}
