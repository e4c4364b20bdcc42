import { formatLocation, formatUserError, type UserErrorDetails } from "../model/errors.ts";
import type { RunReport, StepResult } from "../model/report.ts";
import { targetKey } from "../model/target.ts";
import type { UnitTestReport } from "../run/unit-tests.ts";
import { unitTestError } from "./print-unit-tests.ts";
import { visible } from "./show/visible.ts";

/** What a command did, as far as it came. */
export interface Outcome {
  readonly report?: RunReport;
  readonly unitTests?: UnitTestReport;
}

interface Case {
  readonly classname: string;
  readonly name: string;
  /** Seconds, where they are known. */
  readonly time?: number;
  /** `failure`: it did not find what it wanted; `error`: it could not be done. */
  readonly outcome?: "failure" | "error" | "skipped";
  readonly type?: string;
  readonly message?: string;
  /** In whole. */
  readonly text?: string;
  readonly out?: string;
}

/** The suites by their names, in the order in which they stand. */
const SUITES: Readonly<Record<StepResult["kind"], string>> = {
  table: "models",
  view: "models",
  incremental: "models",
  operations: "operations",
  assertion: "assertions",
  dashboard: "dashboards",
  api: "APIs",
};

/** JUnit's XML, by the schema that Jenkins and pytest keep to. Places stand in the texts: that schema has no attribute for them. */
export function junitXml({ report, unitTests }: Outcome): string {
  const suites = [
    ...(unitTests ? [suite("unit tests", unitTests.tests.map(unitTestCase))] : []),
    ...[...new Set(Object.values(SUITES))].map((name) =>
      suite(name, report?.steps.filter(({ kind }) => SUITES[kind] === name).map(stepCase) ?? [], report?.startedAt),
    ),
    suite("run", report?.errors.map((error, index) => errorCase(`error ${index + 1}`, error)) ?? [], report?.startedAt),
  ].filter(({ tests }) => tests > 0);
  const sum = (field: "tests" | "failures" | "errors") =>
    String(suites.reduce((all, { [field]: count }) => all + count, 0));
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({
      name: "dataform",
      tests: sum("tests"),
      failures: sum("failures"),
      errors: sum("errors"),
      ...(report ? { time: seconds(report.duration) } : {}),
    })}>`,
    ...suites.map(({ xml }) => xml),
    "</testsuites>",
  ].join("\n");
}

function suite(name: string, cases: readonly Case[], startedAt?: string) {
  const count = (outcome: Case["outcome"]) => cases.filter((one) => one.outcome === outcome).length;
  const [tests, failures, errors] = [cases.length, count("failure"), count("error")];
  const opening = attributes({
    name,
    tests: String(tests),
    failures: String(failures),
    errors: String(errors),
    skipped: String(count("skipped")),
    time: seconds(cases.reduce((all, { time = 0 }) => all + time, 0)),
    // As the schema of Ant has it: without a zone.
    ...(startedAt === undefined ? {} : { timestamp: startedAt.slice(0, 19) }),
  });
  const xml = [`  <testsuite${opening}>`, ...cases.map(caseXml), "  </testsuite>"].join("\n");
  return { tests, failures, errors, xml };
}

function caseXml({ classname, name, time, outcome, type, message = "", text = "", out }: Case): string {
  const opening = attributes({ name, classname, ...(time === undefined ? {} : { time: seconds(time) }) });
  const inside = [
    ...(outcome
      ? [`<${outcome}${attributes({ ...(type ? { type } : {}), message })}>${escaped(text)}</${outcome}>`]
      : []),
    ...(out ? [`<system-out>${escaped(out)}</system-out>`] : []),
  ];
  return inside.length ? `    <testcase${opening}>${inside.join("")}</testcase>` : `    <testcase${opening}/>`;
}

function unitTestCase(test: UnitTestReport["tests"][number]): Case {
  const base = { classname: "unit test", name: test.name };
  if (test.passed) return base;
  return { ...base, ...told(test.error ? "error" : "failure", unitTestError(test)) };
}

/** A model that is held is no failure of its own: the assertion that holds it is. */
function stepCase(step: StepResult): Case {
  const { kind, target, duration: time, status, reason, error } = step;
  const base = { classname: `${kind} ${target.schema}`, name: target.name, time };
  const found = error ?? foundRows(step);
  switch (status) {
    case "ok":
      return base;
    case "warned":
      return { ...base, out: `warning: ${formatUserError(found)}` };
    case "failed":
      return { ...base, ...told(error ? "error" : "failure", found) };
    default:
      return { ...base, outcome: "skipped", type: status, message: `${status}: ${reason ?? "not tried"}` };
  }
}

function foundRows({ target, rows = 0, location, failingRows = [] }: StepResult): UserErrorDetails {
  return {
    message: `${targetKey(target)}: ${rows} ${rows === 1 ? "row" : "rows"} that should not exist`,
    ...(location ? { location } : {}),
    ...(failingRows.length ? { found: failingRows.slice(0, 10).join("\n") } : {}),
  };
}

function errorCase(name: string, error: UserErrorDetails): Case {
  return { classname: "run", name, ...told("error", error) };
}

function told(outcome: "failure" | "error", error: UserErrorDetails) {
  const place = error.location ? `${formatLocation(error.location)}: ` : "";
  return { outcome, type: error.code ?? outcome, message: `${place}${error.message}`, text: formatUserError(error) };
}

/** As the schema has it: digits and at most three behind the point. */
const seconds = (time: number) => time.toFixed(3);

function attributes(all: Readonly<Record<string, string>>): string {
  return Object.entries(all)
    .map(
      ([name, value]) =>
        ` ${name}="${escaped(value).replaceAll('"', "&quot;").replaceAll("\n", "&#10;").replaceAll("\t", "&#9;")}"`,
    )
    .join("");
}

/** A text in XML: what XML 1.0 has no place for is shown by signs. */
function escaped(text: string): string {
  return visible(text)
    .toWellFormed()
    .replaceAll(/[\ufffe\uffff]/g, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}
