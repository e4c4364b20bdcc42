import { cut } from "./width.ts";

/** A line, and what stands below it. */
export interface Branch {
  readonly text: string;
  readonly below: readonly Branch[];
}

/** Lines of a tree, none of them wider than the terminal. */
export function renderTree(branches: readonly Branch[], columns?: number, indent = "  "): string[] {
  return branches.flatMap(({ text, below }, index) => {
    const isLast = index === branches.length - 1;
    const line = `${indent}${isLast ? "└─ " : "├─ "}${text}`;
    return [
      columns === undefined ? line : cut(line, columns, Math.floor(columns / 3)),
      ...renderTree(below, columns, `${indent}${isLast ? "   " : "│  "}`),
    ];
  });
}
