import { milliseconds } from "../model/duration.ts";
import type { ChannelSettings, Message } from "../model/notifying.ts";
import type { Client } from "../postgres/client.ts";
import { LONGEST_ASKED } from "./channels/post.ts";
import { type Surroundings, tell } from "./channels/tell.ts";
import { NotTold, nameOf } from "./channels/told.ts";
import { claim, postpone, settle } from "./deliveries.ts";

export interface Delivering {
  readonly environment: string;
  readonly project: string;
  readonly site: string | undefined;
  readonly surroundings: Surroundings;
}

/** Before the first try that follows a failure, and at most between two. In milliseconds. */
const FIRST_WAIT = 5_000;
const LONGEST_WAIT = 15 * 60_000;

/** For so long a message that goes out belongs to whoever claimed it, besides what the channel may take. In milliseconds. */
const CLAIM = 2 * 60_000;

/** What came of one channel. */
export interface Delivered {
  readonly channel: string;
  readonly told: number;
  /** Why it did not go on. */
  readonly error?: string;
}

/** Sends a channel's next message, if there is one and it may. Returns how many events it told of; undefined where there was none. */
export async function deliverNext(
  client: Client,
  name: string,
  channel: ChannelSettings,
  { environment, project, site, surroundings }: Delivering,
): Promise<Delivered | undefined> {
  const { webhook, slack, email, command } = channel;
  const lasting = CLAIM + milliseconds((webhook ?? slack ?? email ?? command)!.timeout)!;
  const longest = Math.max(LONGEST_ASKED, milliseconds(channel.every)!);
  const claimed = await claim(client, environment, name, { lasting, longest });
  if (!claimed) return undefined;
  const { id, until, attempts, events } = claimed;
  const message: Message = {
    version: 1,
    id,
    project,
    environment,
    site: site === undefined ? null : site.replace(/\/+$/, ""),
    events,
  };
  try {
    await tell(channel, message, surroundings);
  } catch (error) {
    const { message: why, retryAfter } = error instanceof NotTold ? error : new NotTold(`it failed (${nameOf(error)})`);
    const wait = retryAfter ?? Math.min(FIRST_WAIT * 2 ** Math.min(attempts, 20), LONGEST_WAIT);
    await postpone(client, environment, name, { id, until, wait, error: why });
    return { channel: name, told: 0, error: why };
  }
  await settle(client, environment, name, { id, until, every: milliseconds(channel.every)! });
  return { channel: name, told: events.length };
}
