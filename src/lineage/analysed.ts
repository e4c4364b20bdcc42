import { type ColumnId, columnId, Flow } from "./flow.ts";
import { Resolver } from "./resolve.ts";
import { childrenOf, isNode, isTrue, listOf, nameOf, nodeOf, nodesOf, numberOf } from "./tree/nodes.ts";
import { entryAt, outputsOf, placeOf, type Stack } from "./tree/queries.ts";
import type { Tree, TreeNode } from "./tree/read-tree.ts";

/** What an analysed query says of columns, by the numbers that the server has for relations and functions. */
export interface Analysed {
  /** The columns it gives, in their order. */
  readonly columns: readonly { readonly name: string; readonly from: Flow }[];
  readonly rows: Flow;
  /** Every column that is named anywhere in it: what `pg_depend` has of a view. */
  readonly named: ReadonlySet<ColumnId>;
  /** Relations that it names. */
  readonly relations: ReadonlySet<string>;
  readonly functions: ReadonlySet<string>;
  /** What it changes. */
  readonly writes: readonly Write[];
}

interface Write {
  readonly relation: string;
  /** By the number of the column. */
  readonly columns: ReadonlyMap<number, Flow>;
  readonly rows: Flow;
}

const SELECT = 1;
const RELATION = 0;
const JOIN = 2;
/** Below are PostgreSQL's own. */
const FIRST_OF_OTHERS = 16_384;
/** Where nodes have the function that they call. */
const FUNCTION_FIELDS = new Set(["funcid", "aggfnoid", "winfnoid", "opfuncid"]);

/** Reads one analysed query. Pure. */
export function analysed(query: TreeNode): Analysed {
  const resolver = new Resolver();
  const { named, relations, functions, changing } = mentionsIn(query);
  return resolver.settle(() => ({
    columns: outputsOf(query).map(({ resname, resno }) => ({
      name: nameOf(resname),
      from: resolver.column(query, numberOf(resno), [query]),
    })),
    rows: resolver.rows(query, [query]),
    named,
    relations,
    functions,
    writes: changing.map((stack) => writeOf(stack, resolver)),
  }));
}

function writeOf(stack: Stack, resolver: Resolver): Write {
  const query = stack.at(-1)!;
  const columns = new Map<number, Flow>();
  const rows = new Flow().take(resolver.rows(query, stack), "rows");
  const assign = (targets: readonly TreeNode[]) => {
    for (const { resno, expr } of targets) {
      const number = numberOf(resno);
      const flow = columns.get(number) ?? new Flow();
      columns.set(number, resolver.expression(expr, stack, flow, "copied"));
    }
  };
  assign(outputsOf(query, "targetList"));
  for (const action of nodesOf(query.mergeActionList)) {
    assign(outputsOf(action, "targetList"));
    resolver.expression(action.qual, stack, rows, "rows");
  }
  const conflict = nodeOf(query.onConflict);
  if (conflict) {
    assign(nodesOf(conflict.onConflictSet).filter(({ resjunk }) => !isTrue(resjunk)));
    resolver.expression(conflict.onConflictWhere, stack, rows, "rows");
  }
  return { relation: String(entryAt(query, query.resultRelation).relid), columns, rows };
}

interface Mentions {
  readonly named: Set<ColumnId>;
  readonly relations: Set<string>;
  readonly functions: Set<string>;
  /** Queries that change rows, each with those around it. */
  readonly changing: Stack[];
}

/** All that a query mentions, also where it has no effect. */
function mentionsIn(query: TreeNode): Mentions {
  const found: Mentions = { named: new Set(), relations: new Set(), functions: new Set(), changing: [] };
  collect(query, [], found);
  return found;
}

function collect(tree: Tree, around: Stack, found: Mentions): void {
  if (!isNode(tree)) {
    for (const child of childrenOf(tree))
      if (child !== null && typeof child !== "string") collect(child, around, found);
    return;
  }
  const stack = tree.T === "QUERY" ? [...around, tree] : around;
  if (tree.T === "QUERY" && numberOf(tree.commandType) !== SELECT) found.changing.push(stack);
  if (tree.T === "VAR") mention(tree, stack, found);
  if (tree.T === "RANGETBLREF") read(entryAt(stack.at(-1)!, tree.rtindex), found);
  for (const field in tree) {
    const child = tree[field]!;
    if (typeof child === "string") {
      if (FUNCTION_FIELDS.has(field) && numberOf(child) >= FIRST_OF_OTHERS) found.functions.add(child);
    }
    // Each join lists all columns of its sides; those that are taken are variables elsewhere.
    else if (child !== null && field !== "joinaliasvars") collect(child, stack, found);
  }
}

/** What stands in the range table only need not be read. */
function read(entry: TreeNode, { relations }: Mentions): void {
  if (numberOf(entry.rtekind) === RELATION) relations.add(String(entry.relid));
}

function mention(variable: TreeNode, stack: Stack, found: Mentions): void {
  const { entry, stack: around } = placeOf(variable, stack);
  const attribute = numberOf(variable.varattno);
  const kind = numberOf(entry.rtekind);
  if (kind === RELATION) {
    read(entry, found);
    found.named.add(columnId(String(entry.relid), attribute));
  } else if (kind === JOIN) {
    const merged = listOf(entry.joinaliasvars);
    collect((attribute ? merged[attribute - 1] : merged) ?? null, around, found);
  }
}
