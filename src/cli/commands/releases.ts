import { describeHold, readHold } from "../../environment/hold.ts";
import { hasMetadata } from "../../environment/layout.ts";
import { withClient } from "../../postgres/client.ts";
import { readReleases } from "../../release/store.ts";
import { openDatabase } from "../database.ts";
import { addConnectionOption, type ConnectionFlags, type EnvironmentFlags, environmentName } from "../options.ts";
import { paint } from "../paint.ts";
import { addEnvironmentOptions } from "../releasing.ts";
import type { AddCommand } from "../shell.ts";
import { textTable } from "../show/table.ts";

export const addReleasesCommand: AddCommand = (program, shell) => {
  const command = program
    .command("releases")
    .description("list the releases: which is published, which wait, which can be gone back to")
    .option("--json", "the list as JSON")
    .action(async (flags: EnvironmentFlags & ConnectionFlags & { json?: boolean }) => {
      const settings = await openDatabase(shell, flags);
      const environment = environmentName(flags);
      const { releases, held } = await withClient(
        settings,
        { applicationName: "dataform-releases", duty: "publisher" },
        async (client) => {
          if (!(await hasMetadata(client))) return { releases: [], held: undefined };
          return { releases: await readReleases(client, environment), held: await readHold(client, environment) };
        },
      );
      const current = releases.find(({ status }) => status === "published")?.release;
      const rows = releases.map(({ release, base, contentOf, status, builtAt, publishedAt, manifest, runId }) => ({
        release,
        state: release === current ? "current" : status === "published" ? (manifest ? "kept" : "collected") : status,
        base,
        contentOf,
        models: manifest ? Object.keys(manifest).length : null,
        builtAt,
        publishedAt,
        runId,
      }));
      if (held) shell.say(`${paint(shell, "yellow", "held")} ${describeHold(environment, held)}`);
      if (flags.json) shell.print(JSON.stringify(rows, null, 2));
      else {
        const text = (value: number | null) => (value === null ? null : String(value));
        const cells = rows.map(({ release, state, base, contentOf, models, builtAt, publishedAt }) => [
          ...[text(release), state, text(base), text(contentOf), text(models)],
          ...[builtAt, publishedAt].map((at) => at && minuteOf(at)),
        ]);
        const columns = ["release", "state", "upon", "content of", "models", "built", "published"];
        shell.print(textTable(columns, cells, { width: shell.width?.stdout }));
      }
    });
  addConnectionOption(addEnvironmentOptions(command));
};

/** To the minute, in the time of whoever looks; `--json` has all of it. */
function minuteOf(at: string): string {
  const date = new Date(at);
  const two = (number: number) => String(number).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
