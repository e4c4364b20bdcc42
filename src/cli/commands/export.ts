import { Option } from "commander";
import type { ExportFormat } from "../../export/export.ts";
import { counted } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import { openForReading } from "../database.ts";
import { untilInterrupted } from "../interrupt.ts";
import { addConnectionOption, type ConnectionFlags } from "../options.ts";
import type { AddCommand } from "../shell.ts";

interface Flags extends ConnectionFlags {
  readonly to: ExportFormat;
  readonly orderBy?: string;
  readonly delimiter?: string;
  readonly formulaSafe?: boolean;
  readonly bom?: boolean;
  readonly sheet?: string;
  readonly json?: boolean;
}

/** Milliseconds between two looks at the progress. */
const OFTEN = 200;

/** `dataform export <relation|query> --to csv <path>` */
export const addExportCommand: AddCommand = (command, shell) => {
  command
    .argument("<source>", "a relation, or one select")
    .argument("<path>", "the file, packed where it ends in .gz; - for stdout")
    .addOption(
      new Option("--to <format>", "csv, ndjson, parquet or xlsx")
        .choices(["csv", "ndjson", "parquet", "xlsx"] satisfies ExportFormat[])
        .makeOptionMandatory(),
    )
    .option("--order-by <columns>", 'sorted: "day desc, id"')
    .option("--delimiter <character>", "csv (default: a comma)")
    .option("--bom", "csv: a byte order mark, by which Excel knows that it is UTF-8")
    .option("--no-formula-safe", "csv: leave text that a spreadsheet takes for a formula as it is")
    .option("--sheet <name>", "xlsx: the name of the sheet (default: the relation's)")
    .option("--json", "the report as JSON on stdout; on stderr where the rows are there")
    .action(async (source: string, path: string, flags: Flags) => {
      const to = path === "-" ? shell.output : path;
      if (!to) throw new UserError({ message: "there is no stdout here", hint: "name a file" });
      const [{ exportRows }, { ReaderGone }] = await Promise.all([
        import("../../export/export.ts"),
        import("../../export/write.ts"),
      ]);
      const settings = await openForReading(shell, flags);
      let shown = performance.now();
      const { orderBy, delimiter, formulaSafe, bom, sheet } = flags;
      const given = { orderBy, delimiter, formulaSafe, bom, sheet };
      const report = await untilInterrupted(shell, (signal) =>
        exportRows(settings, {
          source,
          format: flags.to,
          to,
          ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
          signal,
          onWait: (what) => shell.say(`waiting: ${what}`),
          onBytes: (bytes) => {
            if (!shell.progress || performance.now() - shown < OFTEN) return;
            shown = performance.now();
            shell.progress(`${(bytes / 1e6).toFixed(1)} MB`);
          },
        }),
      ).catch((error: unknown) => {
        // `| head` has what it wanted.
        if (!(error instanceof ReaderGone)) throw error;
      });
      shell.progress?.("");
      if (!report) return;
      if (flags.json) return path === "-" ? shell.say(JSON.stringify(report)) : shell.print(JSON.stringify(report));
      const rate = report.bytes / 1e6 / report.seconds;
      shell.say(
        `${counted(report.rows, "row")} in ${report.path}${(report.sheets ?? 1) > 1 ? ` on ${report.sheets} sheets` : ""}: ${(report.bytes / 1e6).toFixed(2)} MB in ${report.seconds.toFixed(2)} s (${rate.toFixed(1)} MB/s)`,
      );
    });
  addConnectionOption(command);
};
