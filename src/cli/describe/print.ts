import { counted } from "../../model/counted.ts";
import { paint } from "../paint.ts";
import type { Shell } from "../shell.ts";
import { bytes } from "../show/bytes.ts";
import { textTable } from "../show/table.ts";
import { padded, width, wrap } from "../show/width.ts";
import type { DescribedRelation } from "./described.ts";

/** What is known of a relation as a person reads it: a heading, what it is, its columns and its tests. */
export function printDescribed(described: DescribedRelation, shell: Shell): void {
  const columns = shell.width?.stdout;
  const { name, kind, description, columns: own, tests } = described;
  shell.print(`${paint(shell, "bold", name, "stdout")}  ${[kind, ...stateWords(described)].join(", ")}`);
  for (const line of description?.trim().split("\n") ?? [])
    for (const part of wrap(line, columns, "")) shell.print(part);
  const lines = labelled(factsOf(described), columns);
  if (lines.length) shell.print(["", ...lines].join("\n"));
  if (own.length) shell.print(`\n${columnTable(described, columns)}`);
  if (tests.length) shell.print(`\n${testTable(described, columns)}`);
}

const STATES: Readonly<Record<string, string>> = {
  changed: "published, and its code has changed since",
  unpublished: "not published yet",
  removed: "published, and no longer in the code",
  held: "kept out of the last release",
  failed: "failed in the last run",
  skipped: "passed over in the last run",
};

function stateWords({ state, stored }: DescribedRelation): string[] {
  if (!state) return [];
  const release = stored?.builtIn === undefined ? "" : `, built by release ${stored.builtIn}`;
  return [`${STATES[state] ?? state}${release}`];
}

type Fact = readonly [label: string, text: string];

function factsOf(described: DescribedRelation): Fact[] {
  const { tags, file, from, endpoints, reads, readBy, readByOthers, unitTests, stored, lastRun } = described;
  const names = (all: DescribedRelation["reads"]) => all.map(({ name, kind }) => `${name} (${kind})`);
  const facts: readonly (readonly [label: string, texts: readonly (string | undefined)[]])[] = [
    ["file", [file]],
    ["from", [from]],
    ["tags", tags],
    ["answers", endpoints ?? []],
    ["reads", names(reads)],
    ["read by", [...names(readBy), ...readByOthers]],
    ["unit tests", unitTests.map(({ name }) => name)],
    ["size", sizeOf(stored)],
    ["indexes", stored?.indexes ?? []],
    ["owner", [stored?.owner]],
    ["rights", stored?.grants.map(([role, rights]) => `${role}: ${rights}`) ?? []],
    ["rows seen", [stored?.hasPolicies ? "those that its policies let through (row-level security)" : undefined]],
    ["last run", lastRun ? [lastRunOf(lastRun, described.kind === "assertion")] : []],
  ];
  return facts.flatMap(([label, texts]): Fact[] => {
    const text = texts.filter(Boolean).join(", ");
    return text === "" ? [] : [[label, text]];
  });
}

function sizeOf(stored: DescribedRelation["stored"]): string[] {
  const { rows, bytes: size } = stored ?? {};
  return [
    ...(rows === undefined ? [] : [`about ${counted(rows, "row")}`]),
    ...(size === undefined ? [] : [bytes(size)]),
  ];
}

function lastRunOf({ status, seconds, rows }: NonNullable<DescribedRelation["lastRun"]>, isTest: boolean): string {
  const wrong = isTest && rows ? `, ${counted(rows, "row")} that should not exist` : "";
  return `${status}${wrong}, in ${Number(seconds).toFixed(2)} s`;
}

/** Texts below each other behind their labels. */
function labelled(facts: readonly Fact[], columns: number | undefined): string[] {
  const left = Math.max(0, ...facts.map(([label]) => width(label))) + 2;
  const room = columns === undefined ? undefined : Math.max(20, columns - left);
  return facts.flatMap(([label, text]) => wrap(text, room, "").map((line, at) => padded(at ? "" : label, left) + line));
}

function columnTable({ columns }: DescribedRelation, room: number | undefined): string {
  const rows = columns.map(({ name, type = "", key, notNull, tested, tags = [], description = "" }) => {
    const holds = [
      ...(key ? ["key"] : []),
      ...tested,
      ...(notNull && !tested.includes("not null") ? ["not null"] : []),
    ];
    return [name, type, holds.join(", "), tags.join(", "), description];
  });
  return withoutEmpty(["column", "type", "holds", "tags", "description"], rows, room);
}

function testTable({ tests }: DescribedRelation, room: number | undefined): string {
  const rows = tests.map(({ name, verdict = "not asked yet", rows: failing, description = "" }) => [
    name,
    failing ? `${verdict} (${counted(failing, "row")})` : verdict,
    description,
  ]);
  return withoutEmpty(["test", "last", "description"], rows, room);
}

/** Without the columns in which nothing stands. */
function withoutEmpty(
  names: readonly string[],
  rows: readonly (readonly string[])[],
  room: number | undefined,
): string {
  const kept = names.flatMap((_, at) => (rows.some((row) => row[at] !== "") ? [at] : []));
  return textTable(
    kept.map((at) => names[at]!),
    rows.map((row) => kept.map((at) => row[at]!)),
    { width: room, cutEnd: ["description"], sentences: ["description"] },
  );
}
