import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { script } from "../../src/sql/authored.ts";
import { cli, succeeds } from "../support/cli.ts";
import { ownDatabase } from "../support/database.ts";
import { blocksOf, root } from "./markdown.ts";

// The workflows of docs/ci.md, whose steps run in a repository of git as a forge would run them.

const exec = promisify(execFile);

interface Step {
  readonly uses?: string;
  readonly run?: string;
}
interface GitHub {
  readonly jobs: Readonly<Record<string, { readonly env?: Record<string, string>; readonly steps: readonly Step[] }>>;
}
interface GitLabJob {
  readonly variables?: Readonly<Record<string, string>>;
  readonly script: readonly string[];
}

/** A workflow of the page. */
function workflow<Shape>(file: string): Shape {
  const block = blocksOf("docs/ci.md").find((one) => one.file === file);
  if (!block) throw new Error(`docs/ci.md has no ${file}`);
  return parse(block.text) as Shape;
}

const KNOWN_ACTIONS = /^actions\/(?:checkout|setup-node|upload-artifact)@v\d+$/;

/** What a job of GitHub Actions types, line by line of the workflow, for a pull request of this number. */
function githubJob(name: string, number: number): { env: Record<string, string>; lines: readonly string[] } {
  const { jobs } = workflow<GitHub>(".github/workflows/dataform.yml");
  const { env = {}, steps } = jobs[name]!;
  const said = (text: string) => {
    const filled = text.replaceAll("${{ github.event.number }}", String(number));
    expect(filled).not.toContain("${{");
    return filled;
  };
  for (const { uses } of steps) if (uses) expect(uses).toMatch(KNOWN_ACTIONS);
  return {
    env: {
      GITHUB_BASE_REF: "main",
      ...Object.fromEntries(Object.entries(env).map(([key, value]) => [key, said(value)])),
    },
    lines: steps.flatMap(({ run }) => (run ? [said(run)] : [])),
  };
}

function gitlabJob(name: string): { env: Record<string, string>; lines: readonly string[] } {
  const all = workflow<Record<string, GitLabJob> & { default: { before_script: readonly string[] } }>(".gitlab-ci.yml");
  const { variables = {}, script: lines } = all[name]!;
  const iid = { CI_MERGE_REQUEST_IID: "7", CI_MERGE_REQUEST_TARGET_BRANCH_NAME: "main" };
  const filled = Object.entries(variables).map(([key, value]) => [key, value.replace("$CI_MERGE_REQUEST_IID", "7")]);
  return { env: { ...iid, ...Object.fromEntries(filled) }, lines: [...all.default.before_script, ...lines] };
}

/** A repository with a project in it, and a checkout of it as a forge makes one. */
async function repository() {
  const dir = mkdtempSync(join(tmpdir(), "ci-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const database = await ownDatabase();
  const [origin, checkout] = [join(dir, "origin"), join(dir, "checkout")];
  await succeeds(cli(dir, ["init", "origin", "--template", "shop"]));
  const said: string[] = [];
  const sh = async (line: string, cwd: string, env: Record<string, string> = {}) => {
    const own = {
      HOME: dir,
      GIT_CONFIG_GLOBAL: join(dir, "gitconfig"),
      PATH: `${checkout}/node_modules/.bin:${process.env.PATH}`,
    };
    const { stdout, stderr } = await exec("bash", ["-e", "-o", "pipefail", "-c", line], {
      cwd,
      env: { ...own, DATABASE_URL: database.url, NO_COLOR: "1", ...env },
    });
    said.push(stdout + stderr);
  };
  writeFileSync(
    join(dir, "gitconfig"),
    "[user]\n  name = t\n  email = t@example.com\n[init]\n  defaultBranch = main\n",
  );
  await sh("git init -q && git add -A && git commit -qm first", origin);
  return {
    ...database,
    origin,
    checkout,
    said,
    sh,
    /** Checks a branch out anew, and runs the lines of a job in it; npm's are looked at only. */
    job: async (branch: string, { env, lines }: { env: Record<string, string>; lines: readonly string[] }) => {
      rmSync(checkout, { recursive: true, force: true });
      await sh(`git clone -q --branch ${branch} origin checkout`, dir);
      mkdirSync(join(checkout, "node_modules/.bin"), { recursive: true });
      symlinkSync(root, join(checkout, "node_modules/dataform-postgres"));
      symlinkSync(join(root, "bin/dataform.js"), join(checkout, "node_modules/.bin/dataform"));
      said.length = 0;
      for (const line of lines) {
        if (line.startsWith("npm ")) expect(line).toBe("npm ci --ignore-scripts");
        // What npx finds is on the path.
        else await sh(line.replaceAll(/\bnpx (?=dataform )/g, ""), checkout, env);
      }
    },
  };
}

async function schemasOf({ client }: Awaited<ReturnType<typeof repository>>) {
  const { rows } = await client.query<{ name: string }>(
    script(
      "select nspname as name from pg_namespace where nspname !~ '^pg_|^information_schema$|^_dataform|^public$' order by 1",
    ),
  );
  return rows.map(({ name }) => name);
}

const relationsOf = async ({ client }: Awaited<ReturnType<typeof repository>>, schema: string) =>
  (
    await client.query<{ name: string }>(
      script(
        `select relname as name from pg_class where relnamespace = to_regnamespace('${schema}') and relkind = 'v' order by 1`,
      ),
    )
  ).rows.map(({ name }) => name);

test.each([
  [
    "GitHub Actions",
    { publish: () => githubJob("publish", 7), check: () => githubJob("check", 7), drop: () => githubJob("drop", 7) },
    "pr_7",
  ],
  [
    "GitLab",
    { publish: () => gitlabJob("publish"), check: () => gitlabJob("check"), drop: () => gitlabJob("drop") },
    "mr_7",
  ],
])(
  "the jobs of %s publish main, build of a request only what it changes in schemas of its own, and drop them",
  async (_, jobs, suffix) => {
    const there = await repository();
    const { origin, job, sh, checkout, said } = there;
    await job("main", jobs.publish());
    const published = await schemasOf(there);
    const marts = "jaffle_shop";
    const all = await relationsOf(there, marts);

    const model = "definitions/marts/customers.sqlx";
    await sh("git checkout -q -b change", origin);
    const before = readFileSync(join(origin, model), "utf8");
    writeFileSync(join(origin, model), before.replace("\ngroup by", "\nwhere true\ngroup by"));
    await sh("git commit -qam change && git checkout -q main", origin);
    await job("change", jobs.check());
    const own = await relationsOf(there, `${marts}_${suffix}`);
    expect([own, all.includes("customers")]).toEqual([["customers"], true]);
    expect(readFileSync(join(checkout, "target/junit.xml"), "utf8")).toContain('<testcase name="customers"');
    // main has none of it.
    expect(await relationsOf(there, marts)).toEqual(all);

    // A second push begins anew: what it no longer changes is gone.
    await sh(
      "git checkout -q change && git reset -q --hard main && git commit -q --allow-empty -m none && git checkout -q main",
      origin,
    );
    await job("change", jobs.check());
    expect(said.join("")).toContain("the selection is empty");
    expect(await relationsOf(there, `${marts}_${suffix}`)).toEqual([]);

    await job("main", jobs.drop());
    await job("main", jobs.drop());
    expect(await schemasOf(there)).toEqual(published);
  },
  300_000,
);

test("a request that breaks an assertion ends its job, and leaves main as it is", async () => {
  const there = await repository();
  const { origin, job, sh } = there;
  await job("main", githubJob("publish", 8));
  await sh("git checkout -q -b broken", origin);
  const test = "definitions/tests/orders_have_customers.sqlx";
  writeFileSync(join(origin, test), `${readFileSync(join(origin, test), "utf8").split("}")[0]}}\nselect 1 as wrong`);
  await sh("git commit -qam broken && git checkout -q main", origin);
  await expect(job("broken", githubJob("check", 8))).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("1 row that should not exist"),
  });
});
