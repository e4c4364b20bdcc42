import { type Command, InvalidArgumentError, Option } from "commander";
import { type ApiKey, addKey, readKeys, revokeKeys } from "../../environment/api-keys.ts";
import { hasMetadata, prepareMetadata } from "../../environment/layout.ts";
import { refuseUnknown } from "../../environment/metadata.ts";
import { milliseconds } from "../../model/duration.ts";
import { type Rate, rateOf, rateText } from "../../model/rate.ts";
import { DEFAULT_ENVIRONMENT } from "../../model/release.ts";
import { type Client, withClient } from "../../postgres/client.ts";
import { openDatabase, whereLine } from "../database.ts";
import { type Attended, attended } from "../interrupt.ts";
import {
  addConnectionOption,
  type ConnectionFlags,
  collectNames,
  type EnvironmentFlags,
  environmentName,
} from "../options.ts";
import { addEnvironmentOptions } from "../releasing.ts";
import type { AddCommand, Shell } from "../shell.ts";
import { minuteOf } from "../show/minute.ts";
import { textTable } from "../show/table.ts";
import { whoami } from "../whoami.ts";

interface Flags extends EnvironmentFlags, ConnectionFlags {
  readonly json?: boolean;
}

interface AddFlags extends Flags {
  readonly scope: readonly string[];
  readonly rate?: Rate;
  readonly expires?: number;
}

/** `dataform keys …`: who may ask `dataform serve`. */
export const addKeysCommand: AddCommand = (keys, shell) => {
  for (const add of [addAdd, addList, addRevoke]) addConnectionOption(addEnvironmentOptions(add(keys, shell)));
};

function addAdd(keys: Command, shell: Shell): Command {
  return keys
    .command("add")
    .description("make a key for whoever asks `dataform serve`, and show it this once")
    .argument("<name>", "whose it is; a second one of a name is for the time in which they change it", nameOfKey)
    .addOption(
      new Option("--scope <names>", "what may be asked for: scopes of endpoints, or names of files in serve/")
        .argParser(collectNames)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option("--rate <requests>", "at most so many requests: 100/s, 1000/m, 5000/h, 100000/d").argParser(parseRate),
    )
    .addOption(
      new Option("--expires <duration>", "how long it is valid: 90d, 12h (until it is revoked)").argParser(parseExpiry),
    )
    .option("--json", "the key and what it may, as one JSON document")
    .action((name: string, flags: AddFlags) =>
      working(flags, shell, async (client, how) => {
        await prepareMetadata(client, how);
        const environment = environmentName(flags);
        // A collector asks for keys before anything has run; of a name that somebody wrote it may be a mistake.
        if (environment !== DEFAULT_ENVIRONMENT) await refuseUnknown(client, environment);
        const made = await addKey(client, environment, {
          name,
          scopes: [...new Set(flags.scope)],
          rate: flags.rate ?? null,
          madeBy: whoami(),
          expiresIn: flags.expires,
        });
        if (flags.json) return shell.print(JSON.stringify(made, null, 2));
        shell.print(made.key);
        const until = made.expiresAt === null ? "" : `, until ${minuteOf(made.expiresAt)}`;
        shell.say(`key ${made.id} of ${name} may ask for ${made.scopes.join(", ")}${until}; it is not shown again`);
        shell.say("it is sent as Authorization: Bearer …, or as X-API-Key");
      }),
    );
}

function addList(keys: Command, shell: Shell): Command {
  return keys
    .command("ls")
    .description("list the keys: whose they are, what they may ask for, whether they are valid")
    .option("--json", "the list as JSON")
    .action((flags: Flags) =>
      working(flags, shell, async (client) => {
        const found = (await hasMetadata(client)) ? await readKeys(client, environmentName(flags)) : [];
        if (flags.json) return shell.print(JSON.stringify(found, null, 2));
        shell.print(textTable(COLUMNS, found.map(row), { width: shell.width?.stdout, cut: ["name", "scopes"] }));
      }),
    );
}

const COLUMNS = ["id", "name", "state", "scopes", "rate", "made", "expires"];

function row({ id, name, state, scopes, rate, madeAt, expiresAt }: ApiKey) {
  const often = rate && rateText(rate);
  return [id, name, state, scopes.join(", "), often, minuteOf(madeAt), expiresAt && minuteOf(expiresAt)];
}

function addRevoke(keys: Command, shell: Shell): Command {
  return keys
    .command("revoke")
    .description("take a key back: a running server stops taking it within a second")
    .argument("<name-or-id>", "the key; its id where the name has two that are valid")
    .option("--all", "every valid key of the name")
    .option("--json", "what was revoked, as JSON")
    .action((which: string, flags: Flags & { readonly all?: boolean }) =>
      working(flags, shell, async (client, how) => {
        await prepareMetadata(client, how);
        const revoked = await revokeKeys(client, environmentName(flags), which, flags.all === true);
        if (flags.json) return shell.print(JSON.stringify(revoked, null, 2));
        for (const { id, name } of revoked) shell.say(`key ${id} of ${name} is revoked`);
      }),
    );
}

async function working(
  flags: Flags,
  shell: Shell,
  work: (client: Client, how: Attended) => Promise<void>,
): Promise<void> {
  const settings = await openDatabase(shell, flags);
  shell.say(whereLine(settings, flags, shell));
  await attended(shell, (how) =>
    withClient(settings, { applicationName: "dataform-keys", duty: "publisher", ...how }, (client) =>
      work(client, how),
    ),
  );
}

function nameOfKey(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.@-]{0,99}$/.test(text)) return text;
  throw new InvalidArgumentError("Expected up to 100 letters, digits and _ . @ -, as in billing or anna@example.com.");
}

function parseRate(text: string): Rate {
  const rate = rateOf(text);
  if (rate) return rate;
  throw new InvalidArgumentError("Expected requests in a time: 100/s, 1000/m, 5000/h, 100000/d.");
}

/** A hundred years: a moment that both PostgreSQL and JavaScript have. */
const LONGEST = 36_500 * 86_400_000;

function parseExpiry(text: string): number {
  const parsed = /[a-z]$/.test(text) ? milliseconds(text) : undefined;
  if (parsed !== undefined && parsed > 0 && parsed <= LONGEST) return parsed;
  throw new InvalidArgumentError("Expected a duration of up to 36500d: 90d, 12h, 30m.");
}
