import { childrenOf, isNode, isTrue, listOf, nodesOf, numberOf, required } from "./nodes.ts";
import type { Tree, TreeNode } from "./read-tree.ts";

// Where things stand in an analysed query: what it gives, what its variables and common table expressions mean, its branches.

/** Queries around a place, the innermost last. */
export type Stack = readonly TreeNode[];

const SELECT = 1;
const UNION = 1;
const EXCEPT = 3;

/** What a query gives: of one that changes rows, what it returns. */
export function outputsOf(
  query: TreeNode,
  list: "targetList" | "returningList" = numberOf(query.commandType) === SELECT ? "targetList" : "returningList",
): TreeNode[] {
  return nodesOf(query[list]).filter(({ resjunk }) => !isTrue(resjunk));
}

export function entryAt(query: TreeNode, index: Tree | undefined): TreeNode {
  return required(listOf(query.rtable)[numberOf(index) - 1], "range table entry");
}

/** Where a variable's column is: the query that it belongs to, the queries around that, and the entry of its range table. */
export function placeOf(
  variable: TreeNode,
  stack: Stack,
): { readonly query: TreeNode; readonly stack: Stack; readonly entry: TreeNode } {
  const level = stack.length - 1 - numberOf(variable.varlevelsup);
  const query = required(stack[level], "query of a variable");
  return { query, stack: stack.slice(0, level + 1), entry: entryAt(query, variable.varno) };
}

/** The common table expression that an entry reads, and its query. */
export function cteOf(entry: TreeNode, stack: Stack) {
  const level = stack.length - 1 - numberOf(entry.ctelevelsup);
  const found = nodesOf(stack[level]?.cteList).find(({ ctename }) => ctename === entry.ctename);
  const cte = required(found, "common table expression");
  const query = required(cte.ctequery, "query of a common table expression");
  return { cte, query, inside: [...stack.slice(0, level + 1), query] };
}

interface Leaf {
  readonly entry: TreeNode;
  /** Its rows are taken from those of another. */
  readonly isTakenAway: boolean;
  /** Not each of its rows is one of the result. */
  readonly decides: boolean;
}

/** The branches of a query that puts several together. */
export function leavesOf(tree: TreeNode, query: TreeNode, above = { isTakenAway: false, decides: false }): Leaf[] {
  if (tree.T === "RANGETBLREF") return [{ entry: entryAt(query, tree.rtindex), ...above }];
  const operation = numberOf(tree.op);
  const decides = above.decides || operation !== UNION || !isTrue(tree.all);
  return [
    ...leavesOf(required(tree.larg, "left branch"), query, { ...above, decides }),
    ...leavesOf(required(tree.rarg, "right branch"), query, {
      isTakenAway: above.isTakenAway || operation === EXCEPT,
      decides,
    }),
  ];
}

/** Of several functions side by side, the one that gives the column; none gives the number of the row. */
export function functionAt(entry: TreeNode, attribute: number): Tree | undefined {
  let before = 0;
  for (const one of nodesOf(entry.functions)) {
    before += numberOf(one.funccolcount);
    if (attribute <= before) return one.funcexpr;
  }
  return undefined;
}

/** Functions below that give several rows each. */
export function rowsFrom(tree: Tree | undefined): Tree[] {
  if (tree === undefined || tree === null || typeof tree === "string") return [];
  if (isNode(tree)) {
    if (isTrue(tree.funcretset) || isTrue(tree.opretset)) return [tree];
    if (tree.T === "SUBLINK") return [];
  }
  return childrenOf(tree).flatMap(rowsFrom);
}
