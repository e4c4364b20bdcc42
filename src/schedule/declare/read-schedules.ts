import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { checkYaml } from "../../config/check.ts";
import { ingestFiles } from "../../config/ingest-files.ts";
import { readSelectors } from "../../config/load-selectors.ts";
import { Place } from "../../config/place.ts";
import { publishedSchema } from "../../config/published.ts";
import { readYaml } from "../../config/yaml.ts";
import type { IngestDeclaration } from "../../model/declarations.ts";
import { milliseconds } from "../../model/duration.ts";
import { UserError, UserErrors } from "../../model/errors.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import { SCHEDULES_FILE, type ScheduleLine, type Trigger } from "../../model/schedule.ts";
import type { WrittenLine } from "../../schemas/schedules.ts";
import { readCron } from "../cron/line.ts";
import { type Known, knownOf, mistakesInNames } from "./names.ts";
import { stepOf } from "./steps.ts";
import { mistakesInTimes } from "./times.ts";

export interface Declared {
  readonly lines: readonly ScheduleLine[];
  /** What their names were looked for in. */
  readonly known: Known;
}

/**
 * The lines of a project that is compiled.
 * @param declarations of the sources that can be read
 * @throws UserErrors with everything that is wrong, each with its line
 */
export function readDeclared(
  projectDir: string,
  graph: CompiledGraph,
  declarations: readonly IngestDeclaration[],
): Declared {
  const sources = ingestFiles(projectDir).map((file) => basename(file).replace(/\.ya?ml$/, ""));
  const known = knownOf(graph, declarations, sources, readSelectors(projectDir));
  return { lines: readSchedules(projectDir, known), known };
}

/**
 * Reads `schedules.yaml`; none where there is no such file.
 * @param known what the project has, by which names are checked
 * @throws UserErrors with everything that is wrong in it, each with its line
 */
function readSchedules(projectDir: string, known: Known): readonly ScheduleLine[] {
  if (existsSync(join(projectDir, "schedules.yml"))) throw misnamed();
  if (!existsSync(join(projectDir, SCHEDULES_FILE))) return [];
  const yaml = readYaml(join(projectDir, SCHEDULES_FILE), SCHEDULES_FILE);
  // A file with nothing but comments.
  if (yaml.value === null) return [];
  const { timezone = "UTC", schedules } = checkYaml(yaml, publishedSchema("schedules"));
  const at = new Place(yaml);
  const lines = Object.entries(schedules);
  const errors = lines.flatMap(([name, line]) => {
    const place = at.in("schedules", name);
    const zone = {
      name: line.timezone ?? timezone,
      at: line.timezone === undefined ? at.value("timezone") : place.value("timezone"),
    };
    return [...mistakesInTimes(name, line, zone, place), ...mistakesInNames(line, known, place)];
  });
  if (errors.length) throw new UserErrors(eachOnce(errors));
  return lines.map(([name, line]) => lineOf(name, line, line.timezone ?? timezone, known));
}

/** The zone of the file is every line's, and told once. */
function eachOnce(errors: readonly UserError[]): readonly UserError[] {
  const keyOf = ({ message, location }: UserError) => JSON.stringify([message, location]);
  return [...new Map(errors.map((error) => [keyOf(error), error])).values()];
}

function lineOf(name: string, line: WrittenLine, zone: string, known: Known): ScheduleLine {
  const trigger = triggerOf(line, known);
  const time = (text: string) => milliseconds(text)!;
  const jitter = line.jitter === undefined ? 0 : time(line.jitter);
  return {
    name,
    version: versionOf(trigger, zone, jitter),
    ...(line.text === undefined ? {} : { text: line.text }),
    trigger,
    zone,
    steps: line.steps.map(stepOf),
    timeout: time(line.timeout ?? "6h"),
    retries: line.retries ?? 0,
    retryDelay: time(line.retryDelay ?? "30s"),
    overlap: line.overlap ?? (line.cron === undefined ? "queue" : "skip"),
    catchUp: line.catchUp ?? "once",
    catchUpWithin: time(line.catchUpWithin ?? "7d"),
    jitter,
    blackout: (line.blackout ?? []).map(({ from, until }) => ({ from: minuteOf(from), until: minuteOf(until) })),
    enabled: line.enabled ?? true,
  };
}

function triggerOf({ cron, on }: WrittenLine, known: Known): Trigger {
  if (cron !== undefined) return { kind: "clock", cron: cron.trim() };
  const name = on!.load ?? on!.file!;
  const [source, stream] = name.split(".") as [string, string];
  if (on!.load !== undefined) return { kind: "load", source, stream, schema: known.streams.get(name)!.schema };
  return { kind: "file", source, stream, every: milliseconds(on!.every ?? "10s")! };
}

/** What says when it is due, and nothing else: other steps are no other line. */
function versionOf(trigger: Trigger, zone: string, jitter: number): string {
  const { kind } = trigger;
  const when =
    kind === "clock"
      ? { cron: readCanonical(trigger.cron, zone), zone, jitter }
      : { kind, source: trigger.source, stream: trigger.stream };
  return createHash("sha256").update(JSON.stringify(when)).digest("hex").slice(0, 16);
}

/** Two ways to write one line are one line. */
function readCanonical(text: string, zone: string): string {
  const line = readCron(text, zone);
  return "pattern" in line ? `${line.kind} ${line.pattern}` : text;
}

function minuteOf(text: string): string {
  return text.length === 10 ? `${text} 00:00` : text.replace("T", " ");
}

function misnamed(): UserError {
  return new UserError({
    message: "schedules.yml is not read",
    location: { file: "schedules.yml" },
    expected: SCHEDULES_FILE,
    hint: `rename it to ${SCHEDULES_FILE}`,
  });
}
