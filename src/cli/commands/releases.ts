import { describeHold, readHold } from "../../environment/hold.ts";
import { hasMetadata } from "../../environment/layout.ts";
import { formatUserError } from "../../model/errors.ts";
import { withClient } from "../../postgres/client.ts";
import { bytesOf } from "../../release/private-objects.ts";
import { objectsOf, type ReleaseSize, sizesOf } from "../../release/sizes.ts";
import { readNamedRelease, readReleases } from "../../release/store.ts";
import { sql } from "../../sql/sql.ts";
import { openDatabase } from "../database.ts";
import { attended } from "../interrupt.ts";
import { addConnectionOption, type ConnectionFlags, type EnvironmentFlags, environmentName } from "../options.ts";
import { paint } from "../paint.ts";
import { addEnvironmentOptions } from "../releasing.ts";
import type { AddCommand } from "../shell.ts";
import { bytes } from "../show/bytes.ts";
import { minuteOf } from "../show/minute.ts";
import { textTable } from "../show/table.ts";
import { warn } from "../warnings.ts";

export const addReleasesCommand: AddCommand = (command, shell) => {
  command
    .option("--json", "the list as JSON")
    .action(async (flags: EnvironmentFlags & ConnectionFlags & { json?: boolean }) => {
      const settings = await openDatabase(shell, flags);
      const environment = environmentName(flags);
      const { releases, named, sizes, held } = await attended(shell, (how) =>
        withClient(settings, { applicationName: "dataform-releases", duty: "publisher", ...how }, async (client) => {
          if (!(await hasMetadata(client)))
            return { releases: [], named: null, sizes: new Map<number, ReleaseSize>(), held: undefined };
          // The record as it is at one moment: a run may publish meanwhile.
          await client.script(sql`begin transaction isolation level repeatable read read only`);
          const found = await readReleases(client, environment);
          const sizes = sizesOf(found, await bytesOf(client, found.flatMap(objectsOf)));
          const named = await readNamedRelease(client, environment);
          const held = await readHold(client, environment);
          await client.script(sql`commit`);
          return { releases: found, named, sizes, held };
        }),
      );
      const last = releases.find(({ status }) => status === "published")?.release ?? null;
      // What is collected is forgotten; _dataform.release remembers it for a while.
      const known = releases.filter(({ manifest, status }) => manifest && status !== "discarded");
      const rows = known.map(({ release, base, contentOf, status, builtAt, publishedAt, manifest, runId }) => ({
        release,
        state: release === named ? "current" : status === "published" ? "kept" : status,
        base,
        contentOf,
        models: Object.keys(manifest!).length,
        bytes: sizes.get(release)!.bytes,
        ownBytes: sizes.get(release)!.own,
        builtAt,
        publishedAt,
        runId,
      }));
      if (held) shell.say(`${paint(shell, "yellow", "held")} ${describeHold(environment, held)}`);
      if (named !== last) shell.say(`${paint(shell, "yellow", "warning")} ${changedByHand(named, last)}`);
      warn(
        shell,
        releases.flatMap(({ altered }) => (altered ? [formatUserError(altered)] : [])),
      );
      if (flags.json) shell.print(JSON.stringify(rows, null, 2));
      else {
        const text = (value: number | null) => (value === null ? null : String(value));
        const cells = rows.map((row) => [
          ...[text(row.release), row.state, text(row.base), text(row.contentOf), text(row.models)],
          ...[bytes(row.bytes), bytes(row.ownBytes), row.publishedAt && minuteOf(row.publishedAt)],
        ]);
        shell.print(textTable(COLUMNS, cells, { width: shell.width?.stdout }));
      }
    });
  addConnectionOption(addEnvironmentOptions(command));
};

function changedByHand(named: number | null, last: number | null): string {
  const name = (release: number | null) => (release === null ? "none" : `release ${release}`);
  return `somebody changed the record by hand: it names ${name(named)} as published, and the last of which it has a row is ${name(last)}; \`dataform plan\` says what to do`;
}

/** "own" is what no other release needs: what it costs to keep this one. */
const COLUMNS = ["release", "state", "upon", "content of", "models", "size", "own", "published"];
