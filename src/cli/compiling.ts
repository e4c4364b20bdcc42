import { join } from "node:path";
import { type Compilation, type CompileOptions, compile, compileAll } from "../compile/compile.ts";
import type { Inputs } from "../compile/kept-answers.ts";
import type { CompiledGraph } from "../model/graph.ts";
import { stateDirectory } from "./database.ts";
import { untilInterrupted } from "./interrupt.ts";
import type { ProjectFlags } from "./options.ts";
import { noteFound } from "./read-files.ts";
import type { Shell } from "./shell.ts";

/** Compiles the project as the flags say. Ctrl-C and SIGTERM stop its code, which is a process of its own. */
export function compileProject(shell: Shell, flags: ProjectFlags): Promise<CompiledGraph> {
  return compilingWith(compile, shell, flags);
}

/** The same of a project with mistakes, as far as it compiles. */
export function compileAsFarAs(shell: Shell, flags: ProjectFlags): Promise<Compilation> {
  return compilingWith(compileAll, shell, flags);
}

/**
 * The same, and nothing is written into the project's folder.
 * @param onRead is given what the project's code has found, and why its answer would not be kept
 */
export function compileLeavingNothing(
  shell: Shell,
  flags: ProjectFlags,
  onRead: (found: Inputs) => void,
): Promise<Compilation> {
  return compilingWith((folder, { keepIn: _, ...options }) => compileAll(folder, { ...options, onRead }), shell, flags);
}

/** What of the flags the compiler is told. */
export function compilerOptions(flags: ProjectFlags): CompileOptions {
  const { vars, defaultSchema, assertionSchema, schemaSuffix, tablePrefix, disableAssertions, timeout } = flags;
  const given = { vars, defaultSchema, assertionSchema, schemaSuffix, tablePrefix, disableAssertions, timeout };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function compilingWith<Made>(
  make: (projectDir: string, options: CompileOptions) => Promise<Made>,
  shell: Shell,
  flags: ProjectFlags,
): Promise<Made> {
  const options = compilerOptions(flags);
  const keepIn = join(stateDirectory(shell), "compiled");
  const onPrinted = (text: string) => shell.say(text.replace(/\n$/, ""));
  const { projectDir, env } = shell;
  const onRead = ({ states }: Inputs) => noteFound(projectDir, states);
  return untilInterrupted(
    shell,
    (signal) => make(projectDir, { ...options, env, keepIn, onPrinted, onRead, signal }),
    "stopping the compiler",
  );
}
