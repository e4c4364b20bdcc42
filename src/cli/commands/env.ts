import type { Command } from "commander";
import { describeHold, hold, readHold, unhold } from "../../environment/hold.ts";
import { prepareMetadata } from "../../environment/layout.ts";
import { refuseUnknown } from "../../environment/metadata.ts";
import { type Client, withClient } from "../../postgres/client.ts";
import { openDatabase } from "../database.ts";
import { addConnectionOption, environmentName } from "../options.ts";
import type { AddCommand, Shell } from "../shell.ts";
import { whoami } from "../whoami.ts";

interface Flags {
  readonly url?: string;
  readonly reason?: string;
}

/** `dataform env …`: the environments of a database. */
export const addEnvCommand: AddCommand = (program, shell) => {
  const env = program.command("env").description("hold the environments of a database");
  addHold(env, shell);
  addUnhold(env, shell);
};

function addHold(env: Command, shell: Shell): void {
  const command = env
    .command("hold")
    .description("let no run publish in an environment; one that is going on still does")
    .argument("[name]", "the environment (main)")
    .option("--reason <text>", "why, for whoever meets the hold")
    .action((name: string | undefined, flags: Flags) =>
      withEnvironment(name, flags, shell, async (client, environment) => {
        await hold(client, environment, { by: whoami(), reason: flags.reason });
        shell.say(describeHold(environment, (await readHold(client, environment))!));
      }),
    );
  addConnectionOption(command);
}

function addUnhold(env: Command, shell: Shell): void {
  const command = env
    .command("unhold")
    .description("let runs publish again")
    .argument("[name]", "the environment (main)")
    .action((name: string | undefined, flags: Flags) =>
      withEnvironment(name, flags, shell, async (client, environment) => {
        const held = await unhold(client, environment);
        shell.say(held ? `environment ${environment} is no longer held` : `environment ${environment} was not held`);
      }),
    );
  addConnectionOption(command);
}

/** Works on an environment that is there, beside whatever run is going on. */
async function withEnvironment(
  name: string | undefined,
  flags: Flags,
  shell: Shell,
  work: (client: Client, environment: string) => Promise<void>,
): Promise<void> {
  const settings = await openDatabase(shell, flags);
  const environment = name ?? environmentName({ environment: shell.env.DATAFORM_ENVIRONMENT });
  await withClient(settings, { applicationName: "dataform-env", duty: "publisher" }, async (client) => {
    await prepareMetadata(client);
    await refuseUnknown(client, environment);
    await work(client, environment);
  });
}
