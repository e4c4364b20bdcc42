import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Picture } from "../charts/picture.ts";
import { UserError } from "../model/errors.ts";

/** What Chromium is called, wherever it comes from; that without windows first, which has made a picture before the others begin. */
const NAMES = [
  ...["chromium-headless-shell", "chrome-headless-shell", "chromium", "chromium-browser"],
  ...["google-chrome", "google-chrome-stable", "chrome", "msedge"],
];
/** Milliseconds. */
const LONGEST = 60_000;

/**
 * A picture as PNG, at two pixels for one, or as one page of PDF. The page has no script and asks nobody for anything.
 * @param program a Chromium
 * @throws UserError where it makes nothing
 */
export async function printPicture(
  { svg, width, height }: Picture,
  to: "png" | "pdf",
  program: string,
): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "dataform-picture-"));
  try {
    const [page, made] = [join(folder, "page.html"), join(folder, `made.${to}`)];
    const style = `@page { size: ${width}px ${height}px; margin: 0 } body { margin: 0 } svg { display: block }`;
    const policy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`;
    writeFileSync(page, `<!doctype html><meta charset="utf-8">${policy}<style>${style}</style>${svg}`);
    const output =
      to === "png"
        ? [`--screenshot=${made}`, `--window-size=${width},${height}`, "--force-device-scale-factor=2"]
        : [`--print-to-pdf=${made}`, "--no-pdf-header-footer"];
    const own = ["--headless", "--disable-gpu", "--hide-scrollbars", `--user-data-dir=${join(folder, "profile")}`];
    // Root has no sandbox; what is shown is our own picture, without scripts.
    const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    await started(program, [...own, ...asRoot, ...output, pathToFileURL(page).href]);
    if (!existsSync(made)) throw nothingMade(program, "it ended without a file");
    return readFileSync(made);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/**
 * The first Chromium in the folders of `PATH`.
 * @throws UserError where there is none
 */
export function findChromium(path: string): string {
  const endings = process.platform === "win32" ? [".exe"] : [""];
  const places = path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .flatMap((folder) => NAMES.flatMap((name) => endings.map((end) => join(folder, name + end))));
  const program = places.find((place) => statSync(place, { throwIfNoEntry: false })?.isFile());
  if (program !== undefined) return program;
  throw new UserError({
    message: "png and pdf are made by a Chromium, and there is none",
    expected: `one of ${NAMES.join(", ")} in PATH`,
    found: path === "" ? "no PATH" : path,
    hint: "install one, name it with --chromium <path>, or write --to svg",
  });
}

function started(program: string, parameters: readonly string[]): Promise<void> {
  return new Promise((done, failed) => {
    execFile(program, parameters, { timeout: LONGEST }, (error, _, stderr) =>
      error
        ? failed(
            nothingMade(program, error.killed ? `nothing in ${LONGEST / 1000} s` : lastLine(stderr) || error.message),
          )
        : done(),
    );
  });
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1)!;

function nothingMade(program: string, said: string): UserError {
  return new UserError({
    message: `${program} made no picture`,
    expected: "a Chromium: Chromium, Chrome or Edge",
    found: said.slice(0, 300),
    hint: "name another with --chromium <path>, or write --to svg",
    exitCode: 1,
  });
}
