import type { KINDS, notificationsSchema } from "../schemas/notifications.ts";
import type { Declared } from "./declared.ts";

/** `notifications.yaml`, with its variables filled in. */
export type NotificationSettings = Declared<typeof notificationsSchema>;
export type ChannelSettings = NotificationSettings["channels"][string];
export type RuleSettings = NotificationSettings["rules"][number];
export type LineageSettings = NonNullable<NotificationSettings["openlineage"]>;

type IncidentKind = (typeof KINDS)[number];

/** What is wrong with one thing. */
export interface Trouble {
  readonly kind: IncidentKind;
  /** What it is about, in words: `shop.orders`, `source shop, stream visits`. */
  readonly subject: string;
  /** What is wrong with it, in a line. */
  readonly text: string;
  /** Where the site shows it, behind its address. */
  readonly link: string;
  /** Of the model, or the source. */
  readonly product?: string;
  /** Of a line of schedules.yaml, or a run as a whole: of all that it is about. */
  readonly products?: readonly string[];
  readonly tags?: readonly string[];
  /** By `schema.name`: gone from the project, it is nobody's any more. */
  readonly action?: string;
  /** The same of a stream of the source `product`, and of a line of schedules.yaml. */
  readonly stream?: string;
  readonly schedule?: string;
  readonly runId?: string;
}

/** What was found out of one thing: wrong, or right. What nobody looked at has no verdict. */
export interface Verdict {
  /** Names the thing and what may be wrong with it. */
  readonly key: string;
  readonly trouble: Trouble | null;
}

/** What is told of an incident: its beginning or its end. */
export interface Told extends Trouble {
  readonly incident: string;
  readonly event: "opened" | "closed";
  /** ISO 8601. */
  readonly since: string;
  readonly until: string | null;
}

/** One message: all that is to be told by one channel at once. */
export interface Message {
  readonly version: 1;
  /** The same where it is sent again: whoever gets it twice can tell. */
  readonly id: string;
  readonly project: string;
  readonly environment: string;
  /** Without a slash at its end. */
  readonly site: string | null;
  readonly events: readonly Told[];
}
