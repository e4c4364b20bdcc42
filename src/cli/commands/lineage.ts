import { join } from "node:path";
import { InvalidArgumentError, Option } from "commander";
import { refuseDamagedRecord } from "../../environment/record.ts";
import { cacheFile } from "../../lineage/cache-file.ts";
import { readLineage } from "../../lineage/read-lineage.ts";
import { UserError } from "../../model/errors.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import { publicTargets } from "../../model/graph.ts";
import type { Lineage } from "../../model/lineage.ts";
import { indexLineage, type LineageIndex } from "../../model/lineage-index.ts";
import { walkLineage } from "../../model/lineage-walk.ts";
import { withoutRetired } from "../../plan/removed.ts";
import { withClient } from "../../postgres/client.ts";
import { readCatalog } from "../../postgres/read-catalog.ts";
import { compileProject } from "../compiling.ts";
import { openDatabase, stateDirectory } from "../database.ts";
import { attended } from "../interrupt.ts";
import { askedFor, placeOf } from "../lineage/place.ts";
import { type Found, lineageLines } from "../lineage/print.ts";
import {
  addConnectionOption,
  addProjectOptions,
  type ConnectionFlags,
  type EnvironmentFlags,
  environmentName,
} from "../options.ts";
import { addEnvironmentOption } from "../releasing.ts";
import type { AddCommand, Shell } from "../shell.ts";

interface LineageFlags extends EnvironmentFlags, ConnectionFlags {
  readonly up?: boolean;
  readonly down?: boolean;
  readonly depth?: number;
  readonly json?: boolean;
}

export const addLineageCommand: AddCommand = (command, shell) => {
  command
    .argument("[name]", "a relation, or schema.name.column; `2+name+1` says how many steps up and down")
    .option("--up", "what it comes from, and not what comes from it")
    .option("--down", "what uses it, and not what it comes from")
    .addOption(new Option("--depth <n>", "steps at most (of relations 1)").argParser(parseDepth))
    .option("--json", "as one JSON document; without a name all of the lineage")
    .action(async (name: string | undefined, flags: LineageFlags) => {
      if (name === undefined && !flags.json)
        throw new UserError({
          message: "lineage of what?",
          expected: "the name of a relation, schema.name, or of a column, schema.name.column",
          hint: "`dataform compile` lists the actions of the project; --json without a name prints all of it",
        });
      const graph = await compileProject(shell, flags);
      const lineage = await lineageOf(graph, flags, shell);
      if (name === undefined) return shell.print(JSON.stringify(lineage, null, 2));
      const index = indexLineage(lineage);
      const found = find(name, flags, index);
      if (flags.json) return shell.print(JSON.stringify(documentOf(found, lineage, index), null, 2));
      for (const line of lineageLines(found, index, shell.width?.stdout)) shell.print(line);
    });
  addEnvironmentOption(command);
  addConnectionOption(addProjectOptions(command));
};

function parseDepth(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a whole number.");
}

async function lineageOf(graph: CompiledGraph, flags: LineageFlags, shell: Shell): Promise<Lineage> {
  const settings = await openDatabase(shell, flags);
  const cache = cacheFile(join(stateDirectory(shell), "lineage.json"));
  return attended(shell, async (how) => {
    const options = { applicationName: "dataform-lineage", ...how };
    const catalog = await withClient(settings, { ...options, duty: "publisher" }, async (client) => {
      await refuseDamagedRecord(client);
      return withoutRetired(graph, await readCatalog(client, environmentName(flags), publicTargets(graph)));
    });
    return withClient(settings, { ...options, duty: "builder" }, (client) =>
      readLineage(client, graph, catalog, { cache }),
    );
  });
}

function find(name: string, flags: LineageFlags, index: LineageIndex): Found {
  const asked = askedFor(name);
  const place = placeOf(asked.name, index);
  const far = flags.depth ?? (place.column === undefined ? 1 : Number.POSITIVE_INFINITY);
  const said = asked.up !== undefined || asked.down !== undefined;
  const both = flags.up === flags.down && !said;
  const up = asked.up ?? (flags.up || both ? far : undefined);
  const down = asked.down ?? (flags.down || both ? far : undefined);
  return {
    place,
    ...(up === undefined ? {} : { up: walkLineage(index, place, "up", up) }),
    ...(down === undefined ? {} : { down: walkLineage(index, place, "down", down) }),
  };
}

/** The steps, and each relation that they lead to. */
function documentOf({ place, up, down }: Found, { version, environment }: Lineage, { relations }: LineageIndex) {
  const met = new Set(
    [place, ...[...(up ?? []), ...(down ?? [])].flatMap(({ from, to }) => [from, to])].map((one) => one.relation),
  );
  return { version, environment, ...place, up, down, relations: [...met].flatMap((key) => relations.get(key) ?? []) };
}
