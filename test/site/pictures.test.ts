import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { marketing } from "../../ingest/demos/marketing.ts";
import { root } from "../docs/markdown.ts";
import { cli, succeeds } from "../support/cli.ts";
import { ownDatabase } from "../support/database.ts";
import { start } from "../support/program.ts";
import { closeBrowser, hasBrowser, openPage } from "../support/servers/browser.ts";
import { serving } from "../support/serving.ts";
import { FOLDER, PICTURES, SIZE } from "./pictures.ts";

afterAll(closeBrowser);

// By `npm run site:pictures` only: what is in the repository is looked at by a person.
test.skipIf(!hasBrowser || !process.env.PICTURES)(
  "pictures of each kind of page, for docs/site.md",
  async () => {
    const { url } = await ownDatabase();
    const folder = mkdtempSync(join(tmpdir(), "pictures-"));
    const env: Record<string, string> = { DATABASE_URL: url };
    for await (const step of marketing.steps({
      folder,
      env,
      start: () => Promise.reject(new Error("nothing listens in these demos")),
    })) {
      if (!("run" in step)) continue;
      await succeeds(cli(root, step.run, env));
      // As a scheduler does it, as long as there is an API to ask.
      if (step.run[0] === "run") await start(["--project-dir", root, "schedule", "run", "marketing"], url, env).end;
    }
    await succeeds(cli(root, ["schedule", "pause", "blog"], env));
    await succeeds(cli(root, ["site", "build", "--samples", "--out", folder], env));
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER, { recursive: true });
    const served = await serving({ project: { dir: root }, database: { url } }, onTestFinished, [], ["site", "serve"]);
    for (const { name, address } of PICTURES) {
      const site = name === "explore" ? served.url : pathToFileURL(join(folder, "index.html")).href;
      const page = await openPage(`${site}${address}`, SIZE);
      await page.locator("main h1").waitFor();
      if (name === "explore") await page.locator(".chart svg").waitFor();
      await page.waitForFunction(() => !document.querySelector("main .awaited, main [aria-busy=true]"));
      const picture = await page.screenshot({ type: "png" });
      expect([name, picture.length]).toEqual([name, expect.any(Number)]);
      writeFileSync(join(FOLDER, `${name}.png`), picture);
    }
  },
  600_000,
);
