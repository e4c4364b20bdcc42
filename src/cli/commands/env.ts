import type { Command } from "commander";
import { readOwnSettings } from "../../compile/own-settings.ts";
import { describeHold, hold, readHold, unhold } from "../../environment/hold.ts";
import { hasMetadata, prepareMetadata } from "../../environment/layout.ts";
import { refuseUnknown } from "../../environment/metadata.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { counted } from "../../model/counted.ts";
import { formatUserError, UserError } from "../../model/errors.ts";
import { NAME_IT, refuseStranger } from "../../plan/owner.ts";
import { type Client, withClient } from "../../postgres/client.ts";
import { type DropReport, dropEnvironment } from "../../release/drop-environment.ts";
import {
  claimEnvironment,
  type EnvironmentSummary,
  listEnvironments,
  ownerOf,
  renameEnvironment,
} from "../../release/environments.ts";
import { databaseLine, openDatabase } from "../database.ts";
import { type Attended, attended } from "../interrupt.ts";
import { addConnectionOption, type ConnectionFlags, environmentName } from "../options.ts";
import type { AddCommand, Shell } from "../shell.ts";
import { bytes } from "../show/bytes.ts";
import { minuteOf } from "../show/minute.ts";
import { textTable } from "../show/table.ts";
import { warn } from "../warnings.ts";
import { whoami } from "../whoami.ts";

interface Flags extends ConnectionFlags {
  readonly reason?: string;
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly ifExists?: boolean;
}

/** `dataform env …`: the environments of a database. */
export const addEnvCommand: AddCommand = (env, shell) => {
  for (const add of [addList, addClaim, addHold, addUnhold, addRename, addDrop]) addConnectionOption(add(env, shell));
};

function addList(env: Command, shell: Shell): Command {
  return env
    .command("ls")
    .description("list the environments: whose they are, what they publish, what they take on disk")
    .option("--json", "the list as JSON")
    .action((flags: Flags) =>
      looking(flags, shell, async (client) => {
        const found = (await hasMetadata(client)) ? await listEnvironments(client) : [];
        warn(
          shell,
          found.flatMap(({ altered }) => (altered ? [formatUserError(altered)] : [])),
        );
        if (flags.json) return shell.print(JSON.stringify(found, null, 2));
        const columns = ["environment", "project", "release", "published", "models", "size"];
        const cut = ["environment", "project"];
        shell.print(textTable(columns, found.map(row), { width: shell.width?.stdout, cut }));
        for (const { environment, hold } of found) if (hold) shell.say(describeHold(environment, hold));
      }),
    );
}

function row({ environment, project, release, publishedAt, models, bytes: size }: EnvironmentSummary) {
  const published = publishedAt && minuteOf(publishedAt);
  return [
    environment,
    project ?? null,
    release === null ? null : String(release),
    published,
    models === null ? null : String(models),
    bytes(size),
  ];
}

function addClaim(env: Command, shell: Shell): Command {
  return env
    .command("claim")
    .description("record this project as the owner of an environment")
    .argument("[name]", "the environment (main)")
    .action((name: string | undefined, flags: Flags) =>
      connected(flags, shell, async (client) => {
        const environment = nameOf(name, shell);
        const project = (await readOwnSettings(shell.projectDir))?.name;
        if (project === undefined) throw nameless(environment);
        const before = await claimEnvironment(client, environment, project);
        const whose = before === undefined || before === project ? "" : `; it was project ${before}'s`;
        shell.say(`environment ${environment} belongs to project ${project}${whose}`);
      }),
    );
}

function nameless(environment: string): UserError {
  return new UserError({
    message: `environment ${environment} cannot be claimed: this project has no name to record`,
    expected: '"project" in dataform.json or workflow_settings.yaml, or "name" in package.json',
    hint: NAME_IT,
  });
}

function addHold(env: Command, shell: Shell): Command {
  return env
    .command("hold")
    .description("let no run publish in an environment; one that is going on still does")
    .argument("[name]", "the environment (main)")
    .option("--reason <text>", "why, for whoever meets the hold")
    .action((name: string | undefined, flags: Flags) =>
      connected(flags, shell, async (client) => {
        const environment = nameOf(name, shell);
        await refuseUnknown(client, environment);
        await refuseOthers(client, environment, shell);
        await hold(client, environment, { by: whoami(), reason: flags.reason });
        shell.say(describeHold(environment, (await readHold(client, environment))!));
      }),
    );
}

function addUnhold(env: Command, shell: Shell): Command {
  return env
    .command("unhold")
    .description("let runs publish again")
    .argument("[name]", "the environment (main)")
    .action((name: string | undefined, flags: Flags) =>
      connected(flags, shell, async (client) => {
        const environment = nameOf(name, shell);
        await refuseUnknown(client, environment);
        await refuseOthers(client, environment, shell);
        const held = await unhold(client, environment);
        shell.say(held ? `environment ${environment} is no longer held` : `environment ${environment} was not held`);
      }),
    );
}

function addRename(env: Command, shell: Shell): Command {
  return env
    .command("rename")
    .description("give an environment another name; what it publishes stays as it is")
    .argument("<name>", "the environment")
    .argument("<new-name>", "what it is called from now on")
    .action(async (name: string, to: string, flags: Flags) => {
      const settings = await openDatabase(shell, flags);
      shell.say(databaseLine(settings));
      const project = await readOwnSettings(shell.projectDir);
      await attended(shell, ({ signal, onWait }) =>
        renameEnvironment(settings, to, { environment: name, project, signal, events: { waiting: onWait } }),
      );
      shell.say(`environment ${name} is called ${to}: --environment ${to}, or DATAFORM_ENVIRONMENT`);
    });
}

function addDrop(env: Command, shell: Shell): Command {
  return env
    .command("drop")
    .description("drop an environment: its public views, private objects and history; refused where others built on it")
    .argument("<name>", "the environment")
    .option("--yes", "really drop")
    .option("--if-exists", "nothing to do where there is no such environment")
    .option("--json", "what was dropped as one JSON document")
    .action(async (name: string, flags: Flags) => {
      const settings = await openDatabase(shell, flags);
      shell.say(databaseLine(settings));
      const project = await readOwnSettings(shell.projectDir);
      if (flags.ifExists && !(await isThere(settings, name, shell))) {
        if (flags.json) shell.print(JSON.stringify(nothingOf(name), null, 2));
        return shell.say(`there is no environment ${name}: nothing to drop`);
      }
      const report = await attended(shell, ({ signal, onWait }) =>
        dropEnvironment(settings, {
          environment: name,
          project,
          really: flags.yes === true,
          signal,
          events: { waiting: onWait },
        }),
      );
      if (flags.json) shell.print(JSON.stringify(report, null, 2));
      if (!report.dropped) throw reallyDrop(report);
      for (const line of told(report)) shell.say(line);
    });
}

/** Whether an environment of that name has been made here. */
function isThere(settings: ConnectionSettings, name: string, shell: Shell): Promise<boolean> {
  return attended(shell, (how) =>
    withClient(settings, { applicationName: "dataform-env", duty: "publisher", ...how }, async (client) => {
      const found = (await hasMetadata(client)) ? await listEnvironments(client) : [];
      return found.some(({ environment }) => environment === name);
    }),
  );
}

function nothingOf(environment: string): DropReport {
  const nothing = { views: [], privateObjects: 0, bytes: 0, schemas: [], restored: [], kept: [] };
  return { version: 1, environment, ...nothing, dropped: false };
}

function belongings({ views, privateObjects, bytes: size }: DropReport): string {
  return `${counted(views.length, "public view")}, ${counted(privateObjects, "private object")} (${bytes(size)}) and its history`;
}

function reallyDrop(report: DropReport): UserError {
  const some = report.views.slice(0, 5).join(", ");
  return new UserError({
    message: `this drops environment ${report.environment}: ${belongings(report)}`,
    ...(some ? { found: `${some}${report.views.length > 5 ? " …" : ""}` } : {}),
    hint: `\`dataform env drop ${report.environment} --yes\` does it`,
  });
}

function told(report: DropReport): string[] {
  return [
    `environment ${report.environment} is dropped: ${belongings(report)}`,
    ...report.schemas.map((schema) => `schema ${schema}, which its runs had made, was empty and is dropped`),
    ...report.restored.map((name) => `${name} is again what it was before it was adopted`),
    ...report.kept.map((what) => `stays: ${what}`),
  ];
}

/** The one that a run would publish into, where none is named. */
function nameOf(name: string | undefined, { env }: Shell): string {
  const { DATAFORM_ENVIRONMENT: environment, DATAFORM_SCHEMA_SUFFIX: schemaSuffix, DATAFORM_TABLE_PREFIX } = env;
  return name ?? environmentName({ environment, schemaSuffix, tablePrefix: DATAFORM_TABLE_PREFIX });
}

/** Who is in the folder of one project does not stop the schedule of another, or set it going: the name is `main` in both. */
async function refuseOthers(client: Client, environment: string, { projectDir }: Shell): Promise<void> {
  const identity = await readOwnSettings(projectDir);
  if (identity) refuseStranger(identity, { environment, project: await ownerOf(client, environment) });
}

/** Works beside whatever run is going on. */
async function connected(flags: Flags, shell: Shell, work: (client: Client) => Promise<void>): Promise<void> {
  await looking(flags, shell, async (client, how) => {
    await prepareMetadata(client, how);
    await work(client);
  });
}

async function looking(
  flags: Flags,
  shell: Shell,
  work: (client: Client, how: Attended) => Promise<void>,
): Promise<void> {
  const settings = await openDatabase(shell, flags);
  shell.say(databaseLine(settings));
  await attended(shell, (how) =>
    withClient(settings, { applicationName: "dataform-env", duty: "publisher", ...how }, (client) => work(client, how)),
  );
}
