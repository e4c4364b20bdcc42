import { counted } from "../../model/counted.ts";
import { bytes } from "../show/bytes.ts";
import type { DatabaseFacts, EmbeddedFacts, Facts, ProgramFacts, ProjectFacts } from "./facts.ts";
import { type Diagnosis, type Finding, failed, grouped, type Level, ok, warning } from "./findings.ts";
import { judgeConnection, judgeEnvironment, judgeRights, judgeServer } from "./judge-server.ts";

/** What the facts mean. Pure: nothing is asked any more. */
export function diagnose({ program, project, database, server }: Facts): Diagnosis {
  const findings = [
    ...grouped("program", judgeProgram(program)),
    ...grouped("project", judgeProject(project)),
    ...grouped("connection", [...judgeDatabase(database), ...(server ? judgeConnection(database, server) : [])]),
    ...(server
      ? [
          ...grouped("server", judgeServer(server, project, database.embedded)),
          ...grouped("rights", judgeRights(server)),
          ...grouped("environment", judgeEnvironment(server.record)),
        ]
      : []),
  ];
  return { version: 1, status: worst(findings), findings };
}

function worst(findings: readonly Finding[]): Level {
  return (["error", "warning"] as const).find((level) => findings.some((one) => one.level === level)) ?? "ok";
}

function judgeProgram({ version, core, node, nodeNeeded }: ProgramFacts) {
  const compiler = core === undefined ? "" : `, @dataform/core ${core}`;
  return [
    ok("version", `dataform-postgres ${version}${compiler}`),
    isAtLeast(node, nodeNeeded)
      ? ok("Node", node)
      : failed("Node", {
          message: `Node ${node} is too old`,
          expected: nodeNeeded.replace(">=", "version ").concat(" or newer"),
          hint: "install a newer Node: the one that is marked LTS on nodejs.org will do",
        }),
  ];
}

/** @param range as package.json has it: `>=20.19` */
function isAtLeast(version: string, range: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = range.replace(">=", "").split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function judgeProject(facts: ProjectFacts) {
  const { folder, file, name, actions, models, tests, mistakes, notes, unsteady } = facts;
  const [first] = mistakes;
  if (file === undefined && first) return [failed("project", first)];
  const there = ok("project", `${name === undefined ? "" : `${name}, `}${file} in ${folder}`);
  if (first)
    return [
      there,
      { check: "compiles", level: "error" as const, found: counted(mistakes.length, "mistake"), errors: mistakes },
    ];
  const found = [
    counted(actions ?? 0, "action"),
    `${counted(models, "model")} among them`,
    ...(tests ? [counted(tests, "unit test")] : []),
    ...(unsteady === undefined ? [] : [`compiled for each command, as its code asks for ${unsteady}`]),
  ].join(", ");
  return [
    there,
    notes
      ? warning("compiles", `${found}; ${counted(notes, "warning")}`, "`dataform compile` shows what is odd")
      : ok("compiles", found),
  ];
}

function judgeDatabase({ where, failure, embedded }: DatabaseFacts) {
  return [
    ...(where === undefined ? [] : [ok("database", where)]),
    ...(embedded ? judgeEmbedded(embedded) : []),
    ...(failure ? [failed(where === undefined ? "database" : "login", failure)] : []),
  ];
}

/** Below it a run may not end. */
const LITTLE = 1024 ** 3;

function judgeEmbedded({ state, version, dataDir, crashed, trouble, freeBytes }: EmbeddedFacts) {
  const disk =
    freeBytes < LITTLE
      ? warning(
          "disk",
          `${bytes(freeBytes)} are free where the embedded PostgreSQL is`,
          "make room: a run keeps what is published until it is replaced; `dataform gc` drops what no kept release needs",
        )
      : ok("disk", `${bytes(freeBytes)} are free`);
  if (trouble) return [failed("embedded", trouble), disk];
  const where = `PostgreSQL ${version} in ${dataDir}`;
  const found = {
    running: `${where}: it runs`,
    stopped: `${where}: it is stopped, and the next command that needs it starts it${crashed ? "; it ended without saying goodbye, and loses nothing by that" : ""}`,
    absent: "no database is named: the first command that needs one makes an embedded PostgreSQL",
  }[state];
  return [ok("embedded", found), disk];
}
