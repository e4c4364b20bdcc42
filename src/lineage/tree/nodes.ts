import { NoTree, type Tree, type TreeList, type TreeNode } from "./read-tree.ts";

// What a field holds, by what the caller knows that it is. A field that a version does not have is as one that is empty.

export function isNode(tree: Tree | undefined): tree is TreeNode {
  return typeof tree === "object" && tree !== null && !Array.isArray(tree);
}

export function nodeOf(tree: Tree | undefined): TreeNode | undefined {
  return isNode(tree) ? tree : undefined;
}

export function listOf(tree: Tree | undefined): TreeList {
  return Array.isArray(tree) ? tree : [];
}

export function nodesOf(tree: Tree | undefined): TreeNode[] {
  return listOf(tree).filter(isNode);
}

export function numberOf(tree: Tree | undefined): number {
  return typeof tree === "string" ? Number(tree) : 0;
}

export function isTrue(tree: Tree | undefined): boolean {
  return tree === "true";
}

/** A name: in lists it stands in quotes, and a backslash is before whatever would mean something else. */
export function nameOf(tree: Tree | undefined): string {
  if (typeof tree !== "string") return "";
  const inner = tree.length > 1 && tree.startsWith('"') && tree.endsWith('"') ? tree.slice(1, -1) : tree;
  return inner.includes("\\") ? inner.replace(/\\([\s\S])/g, "$1") : inner;
}

/** The node that must be there. */
export function required(tree: Tree | undefined, what: string): TreeNode {
  if (isNode(tree)) return tree;
  throw new NoTree(`no ${what}`);
}

/** Nodes and lists right below. */
export function childrenOf(tree: Tree): readonly Tree[] {
  if (Array.isArray(tree)) return tree;
  return isNode(tree) ? Object.values(tree) : [];
}
