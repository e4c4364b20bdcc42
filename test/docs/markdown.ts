import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "../..");

/** A fenced block of a page. */
export interface Block {
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** The file of a project that it is, where the paragraph before it, or its own first line, names one. */
  readonly file?: string;
  /** Why it is not run, from `<!-- not run: … -->` before it. */
  readonly notRun?: string;
}

/** The written pages, relative to the project. */
export function pages(): readonly string[] {
  const docs = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" });
  const inDocs = docs.filter((name) => name.endsWith(".md")).map((name) => `docs/${name.replaceAll("\\", "/")}`);
  return ["README.md", "CONTRIBUTING.md", "definitions/README.md", ...inDocs.sort()];
}

export function readPage(page: string): string {
  return readFileSync(join(root, page), "utf8");
}

const FENCE = /^( *)```(\S*)\n([\s\S]*?)^\1```$/gm;
const FILE =
  /`((?:definitions|includes|ingest|data)\/[\w/.-]+\.\w+|seeds\/[\w/-]+\.csv|dataform\.json|workflow_settings\.yaml|(?:schedules|targets)\.yaml)`/g;

export function blocksOf(page: string): readonly Block[] {
  const content = readPage(page);
  const fences = [...content.matchAll(FENCE)];
  return fences.map((fence, index) => {
    const [, indent = "", language = "", text = ""] = fence;
    const before = content.slice(index ? endOf(fences[index - 1]!) : 0, fence.index).trimEnd();
    const paragraph = before.slice(before.lastIndexOf("\n\n") + 1);
    const plain = text.replaceAll(new RegExp(`^${indent}`, "gm"), "");
    const file = /^(?:\/\/|#|--) (\S+\.\w+)\n/.exec(plain)?.[1] ?? [...paragraph.matchAll(FILE)].at(-1)?.[1];
    const notRun = /<!-- not run: (.+?) -->$/s.exec(paragraph)?.[1];
    return {
      line: content.slice(0, fence.index).split("\n").length,
      language,
      text: plain,
      ...optional({ file, notRun }),
    };
  });
}

function endOf(match: RegExpMatchArray): number {
  return match.index! + match[0].length;
}

function optional<T extends object>(fields: T): { [Key in keyof T]?: NonNullable<T[Key]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

/** The anchors of a page, as GitHub makes them of its headings. */
export function anchorsOf(page: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const content = readPage(page).replaceAll(FENCE, "");
  return new Set(
    [...content.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => {
      const slug = title
        .replaceAll("`", "")
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_\- ]/gu, "")
        .replaceAll(" ", "-");
      const times = seen.get(slug) ?? 0;
      seen.set(slug, times + 1);
      return times ? `${slug}-${times}` : slug;
    }),
  );
}

/** Where the links of a page lead, as written; not those of code. */
export function linksOf(page: string): readonly string[] {
  const content = readPage(page)
    .replaceAll(FENCE, "")
    .replaceAll(/`[^`\n]*`(?!\])/g, "");
  return [...content.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
}
