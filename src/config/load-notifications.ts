import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Static } from "typebox";
import { UserError, UserErrors } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import type { NotificationSettings } from "../model/notifying.ts";
import type { notificationsSchema } from "../schemas/notifications.ts";
import { checkYaml } from "./check.ts";
import { declare, variablesIn } from "./declare.ts";
import type { Environment } from "./environment.ts";
import { Place } from "./place.ts";
import { publishedSchema } from "./published.ts";
import { readYaml } from "./yaml.ts";

export const NOTIFICATIONS_FILE = "notifications.yaml";

type Written = Static<typeof notificationsSchema>;

/** What a rule may name. */
interface Known {
  readonly products: readonly string[];
  readonly tags: readonly string[];
}

/**
 * Reads `notifications.yaml`; undefined where there is none.
 * @throws UserErrors with everything that is wrong in it, each with its line
 */
export function readNotifications(
  projectDir: string,
  env: Environment,
  known: Known,
): NotificationSettings | undefined {
  const path = join(projectDir, NOTIFICATIONS_FILE);
  if (!existsSync(path)) return undefined;
  const read = readYaml(path, NOTIFICATIONS_FILE);
  const yaml = read.value === null ? { ...read, value: {} } : read;
  const schema = publishedSchema("notifications");
  const written = checkYaml(yaml, schema);
  const errors = mistakesIn(written, new Place(yaml), known);
  if (errors.length) throw new UserErrors(errors);
  return declare(yaml, schema, env);
}

const WAYS = ["webhook", "slack", "email", "command"] as const;

/** What the schema does not say. */
function mistakesIn(
  { site, channels = {}, rules = [], openlineage }: Written,
  at: Place,
  known: Known,
): readonly UserError[] {
  const errors: UserError[] = [];
  const add = (
    message: string,
    standing: ReturnType<Place["value"]>,
    more: { expected: string; found?: string; hint?: string },
  ) => errors.push(new UserError({ message, ...standing, ...more }));
  const url = (text: string | undefined, ...path: readonly (string | number)[]) => {
    if (text === undefined || variablesIn(text).length || isWebAddress(text)) return;
    add(`${path.join(".")} is no address`, at.value(...path), { expected: "https://… or http://…", found: text });
  };
  url(site, "site");
  for (const [name, channel] of Object.entries(channels)) {
    const ways = WAYS.filter((way) => channel[way] !== undefined);
    if (ways.length !== 1)
      add(`channel ${name} has ${ways.length ? "several ways" : "no way"} to tell somebody`, at.key("channels", name), {
        expected: `one of ${WAYS.join(", ")}`,
        found: ways.join(", ") || "none",
      });
    url(channel.webhook?.url, "channels", name, "webhook", "url");
    url(channel.slack?.url, "channels", name, "slack", "url");
    const { email } = channel;
    if (email && (email.user === undefined) !== (email.password === undefined))
      add(
        `channel ${name} has ${email.user === undefined ? "a password and no user" : "a user and no password"}`,
        at.value("channels", name, "email"),
        {
          expected: "both, or neither",
        },
      );
    if (
      email?.password !== undefined &&
      email.tls === "none" &&
      !/^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/.test(email.host)
    )
      add(`channel ${name} would send its password for everybody to read`, at.value("channels", name, "email", "tls"), {
        expected: "tls: required or implicit, where a password is sent to another machine",
        found: "none",
      });
  }
  const names = (
    list: readonly string[] | undefined,
    there: readonly string[],
    what: string,
    key: string,
    index: number,
  ) => {
    for (const [place, name] of (list ?? []).entries())
      if (!there.includes(name)) {
        const near = nearest(name, there);
        add(`there is no ${what} "${name}"`, at.value("rules", index, key, place), {
          expected: there.length ? `one of ${there.slice(0, 20).join(", ")}` : `a ${what} of the project`,
          found: name,
          ...(near ? { hint: `did you mean "${near}"?` } : {}),
        });
      }
  };
  for (const [index, rule] of rules.entries()) {
    names(rule.to, Object.keys(channels), "channel", "to", index);
    names(rule.products, known.products, "product", "products", index);
    names(rule.tags, known.tags, "tag", "tags", index);
  }
  if (openlineage) {
    url(openlineage.url, "openlineage", "url");
    if ((openlineage.url === undefined) === (openlineage.file === undefined))
      add("openlineage has no one place for its events", at.key("openlineage"), { expected: "url or file" });
    if (openlineage.token !== undefined && openlineage.url === undefined)
      add("a token is for a url", at.key("openlineage", "token"), { expected: "url beside it" });
  }
  return errors;
}

function isWebAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
