import type { FlowKind } from "../model/lineage.ts";
import { columnId, Flow, farther } from "./flow.ts";
import { childrenOf, isNode, isTrue, listOf, nameOf, nodeOf, nodesOf, numberOf, required } from "./tree/nodes.ts";
import { cteOf, entryAt, functionAt, leavesOf, outputsOf, placeOf, rowsFrom, type Stack } from "./tree/queries.ts";
import { NoTree, type Tree, type TreeNode } from "./tree/read-tree.ts";

/** Kinds of range table entries, as every server from 15 to 18 numbers them. */
const RTE = { relation: 0, subquery: 1, join: 2, function: 3, tableFunction: 4, values: 5, cte: 6, group: 9 } as const;
const SUBLINK = { exists: 0, expression: 4, several: 5 } as const;
/** A parameter that is a column of `(a, b) = (select …)`. */
const OF_SEVERAL = "3";

/**
 * What the columns and the rows of one analysed query come from. The column of a recursive CTE comes from itself, too: what a
 * round finds is what the next one begins with, until nothing is new.
 */
export class Resolver {
  #columns = new Map<TreeNode, Map<number, Flow>>();
  #rows = new Map<TreeNode, Flow>();
  /** Of queries that read themselves: what the round before has found of each column, and of the rows (0). */
  readonly #known = new Map<TreeNode, Map<number, Flow>>();
  #isOpen = false;

  /** @param compute asks of this resolver what it wants to know */
  settle<T>(compute: () => T): T {
    for (;;) {
      this.#columns = new Map();
      this.#rows = new Map();
      this.#isOpen = false;
      const found = compute();
      for (const [query, columns] of this.#known)
        for (const [number, before] of columns) {
          const stack = this.#stacks.get(query)!;
          const now = number ? this.column(query, number, stack) : this.rows(query, stack);
          if (now.isWithin(before)) continue;
          before.take(now);
          this.#isOpen = true;
        }
      if (!this.#isOpen) return found;
    }
  }

  readonly #stacks = new Map<TreeNode, Stack>();

  /** What a recursive query is known to come from so far. */
  #ofItself(query: TreeNode, number: number, stack: Stack): Flow {
    this.#stacks.set(query, stack);
    const columns = this.#known.get(query) ?? new Map<number, Flow>();
    this.#known.set(query, columns);
    let flow = columns.get(number);
    if (!flow) {
      flow = new Flow();
      columns.set(number, flow);
      this.#isOpen = true;
    }
    return flow;
  }

  /** What the column comes from that a query gives at this place. */
  column(query: TreeNode, number: number, stack: Stack): Flow {
    const columns = this.#columns.get(query) ?? new Map<number, Flow>();
    this.#columns.set(query, columns);
    const known = columns.get(number);
    if (known) return known;
    const flow = new Flow();
    columns.set(number, flow);
    // The list of targets names the columns of the first branch only.
    const branches = nodeOf(query.setOperations);
    if (branches)
      for (const { entry, isTakenAway } of leavesOf(branches, query)) {
        const branch = required(entry.subquery, "query of a branch");
        flow.take(this.column(branch, number, [...stack, branch]), isTakenAway ? "rows" : "copied");
      }
    else {
      const target = outputsOf(query).find(({ resno }) => numberOf(resno) === number);
      if (target) this.expression(target.expr, stack, flow, "copied");
    }
    return flow;
  }

  /** Adds all that stands below, no nearer than `most`. */
  expression(tree: Tree | undefined, stack: Stack, into: Flow, most: FlowKind): Flow {
    if (Array.isArray(tree)) for (const one of tree) this.expression(one as Tree, stack, into, most);
    if (!isNode(tree)) return into;
    const computed = farther(most, "computed");
    switch (tree.T) {
      case "VAR":
        return into.take(this.#variable(tree, stack), most);
      case "RELABELTYPE":
      case "COERCETODOMAIN":
        return this.expression(tree.arg, stack, into, most);
      case "TARGETENTRY":
        return this.expression(tree.expr, stack, into, most);
      case "SUBLINK":
        return this.#sublink(tree, stack, into, most);
      case "PARAM":
        return this.#parameter(tree, stack, into, most);
      case "AGGREF":
        // Beside the arguments stands what they are only ordered by.
        for (const one of nodesOf(tree.args))
          this.expression(one, stack, into, isTrue(one.resjunk) ? "rows" : computed);
        this.expression(tree.aggdirectargs, stack, into, computed);
        return this.expression(tree.aggfilter, stack, into, "rows");
      case "WINDOWFUNC":
        this.expression(tree.args, stack, into, computed);
        this.expression(tree.aggfilter, stack, into, "rows");
        return this.#window(tree.winref, stack, into);
      default:
        for (const child of childrenOf(tree)) this.expression(child, stack, into, computed);
        return into;
    }
  }

  #sublink(link: TreeNode, stack: Stack, into: Flow, most: FlowKind): Flow {
    const query = required(link.subselect, "query of a subselect");
    const inside = [...stack, query];
    const type = numberOf(link.subLinkType);
    this.expression(link.testexpr, stack, into, farther(most, "computed"));
    if (type !== SUBLINK.exists && type !== SUBLINK.several)
      for (const { resno } of outputsOf(query))
        into.take(
          this.column(query, numberOf(resno), inside),
          type === SUBLINK.expression ? most : farther(most, "computed"),
        );
    return into.take(this.rows(query, inside), "rows");
  }

  #parameter({ paramkind, paramid }: TreeNode, stack: Stack, into: Flow, most: FlowKind): Flow {
    if (paramkind !== OF_SEVERAL) return into;
    const [link, column] = [numberOf(paramid) >> 16, numberOf(paramid) & 0xffff];
    const targets = nodesOf(stack.at(-1)?.targetList).map(({ expr }) => nodeOf(expr));
    const found = targets.find((one) => one?.T === "SUBLINK" && numberOf(one.subLinkId) === link);
    const query = nodeOf(found?.subselect);
    return query ? into.take(this.column(query, column, [...stack, query]), most) : into;
  }

  #window(reference: Tree | undefined, stack: Stack, into: Flow): Flow {
    const query = stack.at(-1)!;
    const window = nodesOf(query.windowClause).find(({ winref }) => winref === reference);
    if (!window) return into;
    this.#sorted(query, [window.partitionClause, window.orderClause], stack, into);
    return this.expression([window.startOffset ?? null, window.endOffset ?? null], stack, into, "rows");
  }

  /** What lists of a query refer to: each entry is one of its targets. */
  #sorted(query: TreeNode, lists: readonly (Tree | undefined)[], stack: Stack, into: Flow): void {
    for (const clause of lists.flatMap(nodesOf)) {
      const target = nodesOf(query.targetList).find(
        ({ ressortgroupref }) => ressortgroupref === clause.tleSortGroupRef && ressortgroupref !== "0",
      );
      if (target) this.expression(target.expr, stack, into, "rows");
    }
  }

  #variable(variable: TreeNode, stack: Stack): Flow {
    const place = placeOf(variable, stack);
    const attribute = numberOf(variable.varattno);
    const proposed = nodeOf(place.query.onConflict);
    if (proposed && proposed.exclRelIndex === variable.varno) {
      const flow = new Flow();
      for (const { resno, expr } of outputsOf(place.query, "targetList"))
        if (attribute === 0 || numberOf(resno) === attribute) this.expression(expr, place.stack, flow, "copied");
      return flow;
    }
    return this.#columnOf(place.entry, attribute, place.stack);
  }

  #columnOf(entry: TreeNode, attribute: number, stack: Stack): Flow {
    const kind = numberOf(entry.rtekind);
    const flow = new Flow();
    if (kind === RTE.relation) return flow.add(columnId(String(entry.relid), attribute), "copied");
    if (attribute === 0) {
      const count = listOf(nodeOf(entry.eref)?.colnames).length;
      for (let one = 1; one <= count; one++) flow.take(this.#columnOf(entry, one, stack));
      return flow;
    }
    if (attribute < 0) return flow;
    switch (kind) {
      case RTE.subquery: {
        const query = required(entry.subquery, "subquery");
        return this.column(query, attribute, [...stack, query]);
      }
      case RTE.join:
        return this.expression(listOf(entry.joinaliasvars)[attribute - 1], stack, flow, "copied");
      case RTE.group:
        return this.expression(listOf(entry.groupexprs)[attribute - 1], stack, flow, "copied");
      case RTE.values:
        for (const row of listOf(entry.values_lists))
          this.expression(listOf(row)[attribute - 1], stack, flow, "copied");
        return flow;
      case RTE.tableFunction:
        return this.expression(entry.tablefunc, stack, flow, "computed");
      case RTE.function:
        return this.expression(functionAt(entry, attribute), stack, flow, "computed");
      case RTE.cte:
        return this.#columnOfCte(entry, attribute, stack);
      default:
        throw new NoTree(`a range table entry of kind ${kind}`);
    }
  }

  #columnOfCte(entry: TreeNode, attribute: number, stack: Stack): Flow {
    const { cte, query, inside } = cteOf(entry, stack);
    if (isTrue(entry.self_reference)) return this.#ofItself(query, attribute, inside);
    if (attribute <= outputsOf(query).length) return this.column(query, attribute, inside);
    // What `search` and `cycle` add stands behind the columns of the query.
    const names = listOf(cte.ctecolnames).map(nameOf);
    const [search, cycle] = [nodeOf(cte.search_clause), nodeOf(cte.cycle_clause)];
    const isSearch = search && nameOf(search.search_seq_column) === names[attribute - 1];
    const flow = new Flow();
    for (const name of listOf(isSearch ? search.search_col_list : cycle?.cycle_col_list).map(nameOf))
      flow.take(this.column(query, names.indexOf(name) + 1, inside), "computed");
    return flow;
  }

  /** What decides which rows a query has, whichever of its columns is asked for. */
  rows(query: TreeNode, stack: Stack): Flow {
    const known = this.#rows.get(query);
    if (known) return known;
    const flow = new Flow();
    this.#rows.set(query, flow);
    this.#from(query.jointree, query, stack, flow);
    const branches = nodeOf(query.setOperations);
    if (branches) this.#branches(branches, query, stack, flow);
    for (const one of [query.havingQual, query.limitCount, query.limitOffset, query.mergeJoinCondition])
      this.expression(one, stack, flow, "rows");
    const chooses = query.limitCount || query.limitOffset || isTrue(query.hasDistinctOn);
    this.#sorted(query, [query.groupClause, query.distinctClause, ...(chooses ? [query.sortClause] : [])], stack, flow);
    if (isTrue(query.hasTargetSRFs))
      for (const one of rowsFrom(query.targetList)) this.expression(one, stack, flow, "rows");
    return flow;
  }

  #from(tree: Tree | undefined, query: TreeNode, stack: Stack, into: Flow): void {
    if (!isNode(tree)) return;
    if (tree.T === "RANGETBLREF") this.#rowsOf(entryAt(query, tree.rtindex), stack, into);
    for (const one of [...listOf(tree.fromlist), tree.larg, tree.rarg]) this.#from(one, query, stack, into);
    this.expression(tree.quals, stack, into, "rows");
  }

  /** Branches that are put together without all of their rows: each column tells which are the same. */
  #branches(tree: TreeNode, query: TreeNode, stack: Stack, into: Flow): void {
    for (const { entry, decides } of leavesOf(tree, query)) {
      this.#rowsOf(entry, stack, into);
      const branch = required(entry.subquery, "query of a branch");
      if (decides)
        for (const { resno } of outputsOf(branch))
          into.take(this.column(branch, numberOf(resno), [...stack, branch]), "rows");
    }
  }

  #rowsOf(entry: TreeNode, stack: Stack, into: Flow): void {
    const kind = numberOf(entry.rtekind);
    if (kind === RTE.subquery) {
      const query = required(entry.subquery, "subquery");
      into.take(this.rows(query, [...stack, query]), "rows");
    } else if (kind === RTE.cte) {
      const { query, inside } = cteOf(entry, stack);
      into.take(isTrue(entry.self_reference) ? this.#ofItself(query, 0, inside) : this.rows(query, inside), "rows");
    } else
      for (const one of [entry.functions, entry.tablefunc, entry.values_lists, entry.tablesample])
        this.expression(one, stack, into, "rows");
  }
}
