import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Folders in which texts of a project are; others are the project's own, by a link. */
const COPIED = new Set(["definitions", "includes", "ingest", "dashboards", "serve"]);
/** Bytes; what is larger is data. */
const LARGEST_TEXT = 1_000_000;

export type Texts = ReadonlyMap<string, string | undefined>;

/**
 * A project with the texts that stand in an editor and are not saved, in a folder of its own: whatever the compiler reads of it, by
 * whatever way, is as it would be if all were saved.
 */
export class UnsavedProject {
  readonly dir = mkdtempSync(join(tmpdir(), "dataform-lsp-"));
  readonly #projectDir: string;
  /** Path in the project → how its file stood when it was copied; "unsaved" of a text. */
  #copied = new Map<string, string>();

  constructor(projectDir: string) {
    this.#projectDir = projectDir;
  }

  /** Brings it up to date. @param texts by their path in the project; undefined of a file that is to be gone */
  update(texts: Texts): void {
    const before = this.#copied;
    this.#copied = new Map();
    for (const name of readdirSync(this.#projectDir)) if (!name.startsWith(".")) this.#copy(name, before, texts);
    for (const [path, text] of texts) {
      if (text === undefined) continue;
      mkdirSync(dirname(join(this.dir, path)), { recursive: true });
      writeFileSync(join(this.dir, path), text);
      this.#copied.set(path, "unsaved");
    }
    for (const path of before.keys()) if (!this.#copied.has(path)) rmSync(join(this.dir, path), { force: true });
  }

  /** Paths of what is in it as a text. */
  get texts(): readonly string[] {
    return [...this.#copied].flatMap(([path, state]) => (state === "link" ? [] : [path])).sort();
  }

  #copy(path: string, before: ReadonlyMap<string, string>, texts: Texts): void {
    const found = statSync(join(this.#projectDir, path), { throwIfNoEntry: false });
    if (!found || texts.has(path)) return;
    if (found.isDirectory() && COPIED.has(path.split("/")[0]!)) {
      // It was a file.
      if (before.has(path)) rmSync(join(this.dir, path), { force: true });
      mkdirSync(join(this.dir, path), { recursive: true });
      for (const name of readdirSync(join(this.#projectDir, path))) this.#copy(`${path}/${name}`, before, texts);
      return;
    }
    const isText = found.isFile() && found.size <= LARGEST_TEXT;
    const state = isText ? `${found.mtimeMs} ${found.size}` : "link";
    this.#copied.set(path, state);
    if (before.get(path) === state) return;
    // A folder, perhaps; of a link the link.
    rmSync(join(this.dir, path), { recursive: true, force: true });
    if (isText) copyFileSync(join(this.#projectDir, path), join(this.dir, path));
    else symlinkSync(join(this.#projectDir, path), join(this.dir, path));
  }

  end(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
