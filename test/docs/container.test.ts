import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { blocksOf, readPage, root } from "./markdown.ts";

// The container file as it is printed. That it builds and runs is test/proofs/container.test.ts.
const PAGE = "docs/operate.md";
const named = (name: string) => blocksOf(PAGE).find(({ text }) => text.startsWith(`# ${name}\n`))!.text;
const instructions = named("Dockerfile")
  .split("\n")
  .filter((line) => line && !line.startsWith("#"))
  .map((line) => [/^\S+/.exec(line)![0], line.replace(/^\S+ /, "")] as const);
const all = (name: string) => instructions.flatMap(([one, words]) => (one === name ? [words] : []));

test("the container file copies what a project has, starts the program itself, and runs as nobody in particular", () => {
  const copied = all("COPY").flatMap((words) => words.split(" ").slice(0, -1));
  expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  // The lock file is there before `npm ci`, and the rest after it, so that packages are a layer of their own.
  expect(instructions.map(([name, words]) => `${name} ${words}`).join("\n")).toMatch(
    /COPY package\.json package-lock\.json.*\nRUN npm ci [^\n]*\nCOPY \. \.\n[\s\S]*\nUSER node\n/,
  );
  const { bin, engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(all("ENTRYPOINT").map((words) => JSON.parse(words))).toEqual([
    Object.keys(bin).map((name) => `node_modules/.bin/${name}`),
  ]);
  const [, major] = /^node:(\d+)-/.exec(all("FROM")[0]!)!;
  expect(engines.node).toMatch(new RegExp(`>=${major}\\.`));
  const port = /"--port", "(\d+)"/.exec(all("CMD")[0]!)![1];
  expect([all("EXPOSE"), /127\.0\.0\.1:(\d+)/.exec(all("HEALTHCHECK")[0]!)![1]]).toEqual([[port], port]);
});

test("no secret is in the image: none is written down, and files that hold one are left out", () => {
  expect([...all("ENV"), ...all("ARG")]).toEqual([]);
  expect(named("Dockerfile")).not.toMatch(/password|secret|token|postgres(?:ql)?:\/\//i);
  const left = named(".dockerignore").split("\n");
  const isLeftOut = (path: string) =>
    left.some((pattern) => {
      const source = pattern
        .replaceAll(".", "\\.")
        .replaceAll("**/", "(?:.*/)?")
        .replaceAll(/(?<!\.)\*/g, "[^/]*");
      return pattern !== "" && new RegExp(`^${source}(?:/|$)`).test(path);
    });
  // What this page and others have a person write into the folder of a project.
  const written = [...readPage(PAGE).matchAll(/(?:> |--file | db backup )([\w/.-]+\.(?:key|dump|tar\.gz))/g)];
  expect(written.length).toBeGreaterThan(2);
  const held = [
    ".env",
    "shop/.env.local",
    ".dataform/settings.json",
    ".git/config",
    ...written.map(([, path]) => path!),
  ];
  expect(held.filter((path) => !isLeftOut(path))).toEqual([]);
  expect([...all("COPY"), "definitions/one.sqlx", "serve/server.yaml"].filter(isLeftOut)).toEqual([]);
});

test("the health check is what the server says of itself", async () => {
  let status = 200;
  const server = createServer((request, response) =>
    response.writeHead(request.url === "/healthz" ? status : 404).end(),
  );
  onTestFinished(() => void server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const [program, ...words] = JSON.parse(
    all("HEALTHCHECK")[0]!
      .replace(/^CMD /, "")
      .replace(/:\d+\//, `:${port}/`),
  );
  const check = async () => (await once(spawn(program, words), "close"))[0];
  const found = [await check()];
  status = 503;
  found.push(await check());
  server.close();
  found.push(await check());
  expect(found).toEqual([0, 1, 1]);
});
