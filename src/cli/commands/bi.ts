import { type Command, InvalidArgumentError, Option } from "commander";
import { type GrafanaFlags, writeGrafana } from "../bi/grafana.ts";
import { type PrometheusFlags, writePrometheus } from "../bi/prometheus.ts";
import { type SupersetFlags, type ToolFlags, toMetabase, toSuperset } from "../bi/tell.ts";
import { addConnectionOption, addProjectOptions, parseDuration } from "../options.ts";
import { addEnvironmentOption } from "../releasing.ts";
import type { AddCommand, Shell } from "../shell.ts";

/** `dataform bi …`: what BI tools are told of the marts. */
export const addBiCommand: AddCommand = (bi, shell) => {
  addGrafana(bi, shell);
  addSuperset(bi, shell);
  addMetabase(bi, shell);
  addPrometheus(bi, shell);
};

function addPrometheus(bi: Command, shell: Shell): void {
  bi.command("prometheus")
    .description("write what Prometheus reads: where `dataform serve` has its figures, and when to tell somebody")
    .option("--out <dir>", "the folder", "prometheus")
    .option("--job <name>", "what Prometheus calls the servers", jobName, "dataform")
    .option("--address <host:port>", "where a server is", "127.0.0.1:3025")
    .addOption(
      new Option("--run-every <duration>", "the longest without a run that succeeded (26h)")
        .argParser(parseDuration)
        .default(26 * 3_600_000, "26h"),
    )
    .addOption(
      new Option("--run-limit <duration>", "the longest that a run may take (4h)")
        .argParser(parseDuration)
        .default(4 * 3_600_000, "4h"),
    )
    .option("--runbook <url>", "where the paragraphs on the alerts are", "docs/operate.md")
    .option("--json", "what was written, as one JSON object")
    .action((flags: PrometheusFlags) => writePrometheus(shell, flags));
}

/** It stands in quotes in the rules. */
function jobName(text: string): string {
  if (/^[\w.-]+$/.test(text)) return text;
  throw new InvalidArgumentError("Expected letters, digits, _, . and -.");
}

function addGrafana(bi: Command, shell: Shell): void {
  const grafana = bi
    .command("grafana")
    .description(
      "write the project's dashboards, and those of what is going on, as files that Grafana reads when it starts",
    )
    .option("--out <dir>", "the folder; one that was written before is made anew", "grafana")
    .option(
      "--login <url>",
      "what Grafana logs in with, without a password: postgresql://user@host:port/database?sslmode=…",
    )
    .option("--folder <path>", "where Grafana finds the folder, where that is another machine or a container")
    .option("--json", "what was written, as one JSON object")
    .action((flags: GrafanaFlags) => writeGrafana(shell, flags));
  addConnectionOption(addEnvironmentOption(addProjectOptions(grafana)));
}

function addSuperset(bi: Command, shell: Shell): void {
  const superset = bi
    .command("superset")
    .description(
      "tell Superset what the project says of its relations: descriptions, labels, metrics, who vouches for them",
    )
    .option("--user <name>", "a user who may edit datasets; SUPERSET_PASSWORD has the password", "admin")
    .option("--create", "register relations for readers that are no datasets yet")
    .option("--role <name>", "a role of Superset that is to see the schemas of marts")
    .action((flags: SupersetFlags) => toSuperset(shell, flags));
  addToolOptions(superset);
}

function addMetabase(bi: Command, shell: Shell): void {
  const metabase = bi
    .command("metabase")
    .description(
      "tell Metabase what the project says of its relations: descriptions, labels, keys, what is not for readers",
    )
    .action((flags: ToolFlags) => toMetabase(shell, flags));
  addToolOptions(metabase);
}

function addToolOptions(command: Command): void {
  command
    .option("--url <url>", "the address of the tool, as a browser opens it")
    .option("--database <name>", "what the tool calls the database (default: the only one of PostgreSQL)")
    .option("--overwrite", "take the project's words where a person typed others")
    .option("--dry-run", "print what would change, and change nothing")
    .option("--json", "what changed, as one JSON object");
  addProjectOptions(command);
}
