import { listTables, type TableName, tableMetadata } from "../../catalogue/tables.ts";
import { UserError } from "../../model/errors.ts";
import { nearest } from "../../model/nearest.ts";
import { targetKey } from "../../model/target.ts";
import { type Client, withClient } from "../../postgres/client.ts";
import { openDatabase } from "../database.ts";
import { withoutWarehouse } from "../dataform/warehouse-word.ts";
import { attended } from "../interrupt.ts";
import { addConnectionOption, addIgnoredOptions, type ConnectionFlags } from "../options.ts";
import type { AddCommand, Shell } from "../shell.ts";

/** `dataform listtables [postgres]`: the tables and views of the database, one a line. */
export const addListTablesCommand: AddCommand = (command, shell) => {
  command
    .argument("[warehouse]", "postgres, as Dataform 2 wants it; or left out")
    .option("--json", "the list as JSON")
    .action(async (_: unknown, flags: ConnectionFlags & { json?: boolean }) => {
      refuseMore(withoutWarehouse(command.args), "dataform listtables");
      const tables = await asked(shell, flags, "dataform-listtables", listTables);
      if (flags.json) shell.print(JSON.stringify(tables, null, 4));
      else for (const table of tables) shell.print(targetKey(table));
    });
  addIgnoredOptions(addConnectionOption(command), shell.say);
};

/** `dataform gettablemetadata [postgres] <schema> <table>`: its columns and comments, as JSON. */
export const addTableMetadataCommand: AddCommand = (command, shell) => {
  command
    .argument("[warehouse]", "postgres, as Dataform 2 wants it; or left out")
    .argument("[schema]", "the schema of the table")
    .argument("[table]", "its name")
    .option("--json", "the same: it is JSON anyway")
    .action(async (_: unknown, __: unknown, ___: unknown, flags: ConnectionFlags) => {
      const [schema, name, ...more] = withoutWarehouse(command.args);
      const usage = "dataform gettablemetadata postgres <schema> <table>";
      refuseMore(more, usage);
      if (schema === undefined || name === undefined)
        throw new UserError({ message: "which table is not said", expected: usage });
      const metadata = await asked(shell, flags, "dataform-metadata", (client) => metadataOf(client, { schema, name }));
      shell.print(JSON.stringify(metadata, null, 4));
    });
  addIgnoredOptions(addConnectionOption(command), shell.say);
};

async function metadataOf(client: Client, target: TableName) {
  const metadata = await tableMetadata(client, target);
  if (metadata) return metadata;
  const meant = nearest(targetKey(target), (await listTables(client)).map(targetKey));
  throw new UserError({
    message: `there is no table or view ${targetKey(target)}`,
    hint: meant ? `did you mean ${meant}?` : "`dataform listtables` lists them",
    exitCode: 1,
  });
}

async function asked<T>(
  shell: Shell,
  flags: ConnectionFlags,
  applicationName: string,
  ask: (client: Client) => Promise<T>,
) {
  const settings = await openDatabase(shell, flags);
  return attended(shell, (how) =>
    withClient(settings, { applicationName, duty: "builder", oneTransaction: true, ...how }, ask),
  );
}

function refuseMore([first]: readonly string[], usage: string): void {
  if (first !== undefined) throw new UserError({ message: `${first} is too much`, expected: usage });
}
