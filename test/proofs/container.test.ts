import { createReadStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../src/postgres/embedded/port.ts";
import { until } from "../../src/wait/until.ts";
import { blocksOf } from "../docs/markdown.ts";
import { cloneInto, runs } from "../support/packed.ts";
import { isWhole } from "../support/proof.ts";
import { warehouse } from "../support/warehouse.ts";

// The container file of docs/operate.md as it is printed: built of a project with the packed package, run, and ended.

const printed = (name: string) =>
  blocksOf("docs/operate.md")
    .find(({ text }) => text.startsWith(`# ${name}\n`))!
    .text.replace(/^.*\n/, "");
const BASE = /^FROM (\S+)$/m.exec(printed("Dockerfile"))![1]!;

const files = {
  "dataform.json": JSON.stringify({ project: "shop", warehouse: "postgres", defaultSchema: "shop" }),
  "definitions/revenue.sqlx":
    'config { type: "table", assertions: { uniqueKey: ["revenue"], nonNull: ["revenue"] } }\nselect 5 as revenue',
  "serve/shop.yaml": `title: Shop
endpoints:
  - { path: /api/v1/revenue, title: Revenue, from: shop.revenue, columns: [revenue], order: [revenue] }
`,
  "package.json": JSON.stringify({ name: "shop", private: true }),
  Dockerfile: printed("Dockerfile"),
  ".dockerignore": printed(".dockerignore"),
  ".env": "DATABASE_URL=postgresql://nobody:secret@nowhere/shop\n",
  "prometheus/dataform.key": "secret",
};

/** What builds and runs images here, or why nothing does. */
async function containers(): Promise<{ readonly tool: string } | { readonly whyNot: string }> {
  const why: string[] = [];
  for (const name of ["docker", "podman"]) {
    const { code, text } = await runs(name, ["info"], tmpdir()).catch(() => ({ code: 1, text: "not installed" }));
    if (code !== 0) why.push(`${name}: ${text.trim().split("\n").at(-1)}`);
    else if ((await runs(name, ["image", "inspect", BASE], tmpdir())).code === 0) return { tool: name };
    else if ((await runs(name, ["pull", "--quiet", BASE], tmpdir())).code === 0) return { tool: name };
    else why.push(`${name}: ${BASE} is not here and cannot be pulled`);
  }
  return { whyNot: why.join("; ") };
}

let found: Awaited<ReturnType<typeof containers>> = { whyNot: "only `npm run proof:container` does" };
beforeAll(async () => {
  if (isWhole) found = await containers();
});

test("the image of the page is built, has no secret, runs as `node`, publishes, serves, and ends when it is told to", async ({
  skip,
}) => {
  if ("whyNot" in found) return skip(found.whyNot);
  const { tool } = found;
  const { project, database, rows } = await warehouse(files);
  const image = `dataform-shop-${process.pid}`;
  const of = async (...words: string[]) => {
    const { code, text } = await runs(tool, words, project.dir);
    expect([code, text], words.join(" ")).toEqual([0, expect.any(String)]);
    return text.trim();
  };
  await lockPackage(project.dir);
  await of("build", "--quiet", "--network", "host", "--tag", image, ".");
  onTestFinished(() => void runs(tool, ["image", "rm", "--force", image], tmpdir()));
  const inIt = ["--network", "host", "--env", "DATABASE_URL"];
  process.env.DATABASE_URL = database.url;

  const about =
    "console.log(require('os').userInfo().username, require('fs').readdirSync('.', { recursive: true }).filter((path) => !path.startsWith('node_modules')).join(' '))";
  const seen = await of("run", "--rm", "--network", "none", "--entrypoint", "node", image, "-e", about);
  expect(seen).toMatch(/^node /);
  expect(seen).toContain("definitions/revenue.sqlx");
  expect(seen).not.toMatch(/\.env|\.key/);

  await of("run", "--rm", ...inIt, image, "run");
  expect(await rows("select revenue from shop.revenue")).toEqual(["5"]);
  await of("run", "--rm", ...inIt, image, "keys", "add", "reader", "--scope", "shop");
  const port = await freePort();
  const words = ["serve", "--host", "0.0.0.0", "--port", String(port), "--no-site"];
  const id = (await of("run", "--detach", "--stop-timeout", "30", ...inIt, image, ...words)).split("\n").at(-1)!;
  onTestFinished(() => void runs(tool, ["rm", "--force", id], tmpdir()));
  const isReady = await until({
    look: async () => ((await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.ok ? true : undefined),
    every: 200,
    deadline: 60_000,
    describe: () => "for dataform serve",
  });
  expect([isReady, isReady ? "" : (await runs(tool, ["logs", id], tmpdir())).text]).toEqual([true, ""]);
  await of("stop", id);
  expect(await of("inspect", "--format", "{{.State.ExitCode}}", id)).toBe("0");
}, 900_000);

/** Writes the lock file of a project that has the packed package, as from a registry. */
async function lockPackage(dir: string): Promise<void> {
  const made = mkdtempSync(join(tmpdir(), "dataform-container-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  const { text } = await runs("npm", ["pack", "--silent", "--pack-destination", made], cloneInto(made));
  const tarball = join(made, text.trim());
  const server = createServer((_, response) => {
    response.setHeader("content-length", statSync(tarball).size);
    createReadStream(tarball).pipe(response);
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const from = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${text.trim()}`;
  const how = ["--package-lock-only", "--ignore-scripts", "--no-audit", "--omit-lockfile-registry-resolved=false"];
  const { code, text: said } = await runs("npm", ["install", ...how, from], dir);
  expect([code, said]).toEqual([0, expect.any(String)]);
}
