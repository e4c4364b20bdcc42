import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { expect } from "vitest";

const tests = resolve(import.meta.dirname, "..");

/**
 * A text that is expected as it stands in a file of test/, `library/slices/loads.sql`. One that is missing or differs fails;
 * `UPDATE_GOLDENS=1` writes it, and whoever does so reads what changed.
 */
export function expectGolden(file: string, text: string): void {
  const path = resolve(tests, file);
  const actual = `${text.trimEnd()}\n`;
  if (process.env.UPDATE_GOLDENS === "1" && !process.env.CI) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, actual);
    return;
  }
  const name = `test/${relative(tests, path)}`;
  if (!existsSync(path)) expect.fail(`${name} is missing: UPDATE_GOLDENS=1 writes it`);
  expect(actual, `${name} (UPDATE_GOLDENS=1 writes it anew)`).toBe(readFileSync(path, "utf8"));
}

type Text = string | readonly string[];
type Given = Text | ((context: object) => Text);

interface Made {
  readonly kind: "publish" | "assert" | "declare" | "operate";
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly parts: (readonly [part: string, given: Given])[];
}

/**
 * What a packaged function makes in a file of definitions/, as one text: each action with its config and its SQL, that of an
 * incremental model twice. `ref()` gives `"schema"."name"`, `self()` `"schema"."(self)"`.
 */
export function published(call: () => void): string {
  const made: Made[] = [];
  const start = (kind: Made["kind"]) => (name: string, config: Made["config"]) => {
    const one: Made = { kind, name, config, parts: [] };
    made.push(one);
    const more = (part: string) => (given: Given) => {
      one.parts.push([part, given]);
      return action;
    };
    const action = {
      query: more("query"),
      queries: more("queries"),
      preOps: more("pre_operations"),
      postOps: more("post_operations"),
    };
    return action;
  };
  const globals = globalThis as unknown as Record<string, unknown>;
  const names = ["publish", "assert", "declare", "operate"] as const;
  for (const name of names) globals[name] = start(name);
  try {
    call();
  } finally {
    for (const name of names) delete globals[name];
  }
  return made.map(textOf).join("\n\n");
}

function textOf({ kind, name, config, parts }: Made): string {
  const isIncremental = config.type === "incremental";
  const blocks = parts.flatMap(([part, given]) => {
    const text = (incremental: boolean) => textsOf(given, incremental);
    if (!isIncremental || text(true) === text(false)) return [`-- ${part}\n${text(false)}`];
    return [`-- ${part}, where it is made\n${text(false)}`, `-- ${part}, incremental\n${text(true)}`];
  });
  const said = JSON.stringify(config, null, 2).replaceAll(/^/gm, "-- ");
  return [`---- ${kind} ${name}\n${said}`, ...blocks].join("\n\n");
}

function textsOf(given: Given, incremental: boolean): string {
  const quoted = (...names: readonly string[]) => names.map((name) => `"${name.replaceAll('"', '""')}"`).join(".");
  const ref = (target: string | readonly string[] | { readonly schema?: string; readonly name: string }) => {
    if (typeof target === "string") return quoted("marts", target);
    if ("name" in target) return quoted(target.schema ?? "marts", target.name);
    return quoted(...target);
  };
  const context = { ref, resolve: ref, self: () => quoted("marts", "(self)"), incremental: () => incremental };
  const text = typeof given === "function" ? given(context) : given;
  return typeof text === "string" ? text : text.join("\n---\n");
}
