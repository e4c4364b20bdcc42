import { endOf, type Group, grouped, isGroup, isNameAt, keywordAt, type Node, symbolAt, wordAt } from "./groups.ts";
import { NO_ALIAS } from "./keywords.ts";
import { remembered } from "./remembered.ts";
import { meaningful, type Token } from "./tokens.ts";

/** A relation where a statement names it: in a FROM clause, as what it changes, after `table`, or in `for update of`. */
export interface Place {
  readonly use: "read" | "insert" | "update" | "delete" | "merge" | "table" | "lock";
  /** The parts of the name, as they are written. */
  readonly name: readonly Token[];
  readonly start: number;
  readonly hasAlias: boolean;
  /** Where an alias is written, where one may be. */
  readonly aliasAt: number;
}

/** The relations of one statement. Of SQL that PostgreSQL does not understand, those that could be found. */
export const placesOf: (statement: string) => readonly Place[] = remembered((statement) => {
  const reader = new Reader();
  reader.statement(grouped(meaningful(statement)), 0);
  return reader.places;
});

const ENDS_FROM = new Set(
  "where group having window order limit offset fetch for union intersect except returning".split(" "),
);
const BEFORE_TERM = new Set("union intersect except all distinct".split(" "));
const AFTER_QUERY = new Set("union intersect except order limit offset fetch for".split(" "));

/**
 * Follows PostgreSQL's grammar as far as it says where relations stand: a FROM clause begins at a `from` of the level of
 * its `select`, never in the arguments of a function, and ends at a reserved word or with its parenthesis.
 */
class Reader {
  readonly places: Place[] = [];

  statement(nodes: readonly Node[], at: number): void {
    const word = wordAt(nodes, at);
    if (word === "with") this.#with(nodes, at + 1);
    else if (word === "insert") this.#insert(nodes, at + 2);
    else if (word === "update") this.#query(nodes, this.#relation(nodes, at + 1, "update"));
    else if (word === "delete") this.#delete(nodes, this.#relation(nodes, at + 2, "delete"));
    else if (word === "merge") this.#merge(nodes, this.#relation(nodes, at + 2, "merge"));
    else if (word === "create") this.#create(nodes, at);
    else if (word === "explain") this.statement(nodes, afterOptions(nodes, at + 1));
    else if (word === "prepare") this.#after("as", nodes, at);
    else if (word === "declare") this.#after("for", nodes, at);
    // `(select …) union …`; of everything else, the queries in its parentheses.
    else if (word === "select" || word === "values" || word === "table" || isGroup(nodes[at])) this.#query(nodes, at);
    else this.#expression(nodes.slice(at));
  }

  #expression(nodes: readonly Node[]): void {
    for (const node of nodes) if (isGroup(node)) this.#group(node);
  }

  #group(group: Group): void {
    if (holdsQuery(group)) this.statement(group.nodes, 0);
    else this.#expression(group.nodes);
  }

  /** A select with its set operations, from one of its words on. */
  #query(nodes: readonly Node[], from: number): void {
    for (let at = from; at < nodes.length; ) {
      const node = nodes[at]!;
      // The first is a word of the query, also in `create view v as table t`.
      const word = at === from ? wordAt(nodes, at) : keywordAt(nodes, at);
      if (isGroup(node)) this.#group(node);
      if (word === "table" && (at === from || BEFORE_TERM.has(wordAt(nodes, at - 1))))
        at = this.#relation(nodes, at + 1, "table");
      else if (word === "from" && !isDistinctFrom(nodes, at)) at = this.#fromList(nodes, at + 1);
      else if (word === "for") at = this.#locking(nodes, at + 1);
      else at++;
    }
  }

  /** Returns where the clause has ended. */
  #fromList(nodes: readonly Node[], from: number, endsAt: (at: number, open: number) => boolean = () => false): number {
    let expects = true;
    // Joins whose condition has not come yet.
    let open = 0;
    let at = from;
    while (at < nodes.length) {
      const word = keywordAt(nodes, at);
      if (expects && word !== "lateral") {
        at = this.#tableReference(nodes, at);
        expects = false;
        continue;
      }
      const isConflict = word === "on" && wordAt(nodes, at + 1) === "conflict";
      if (isConflict || endsAt(at, open) || (ENDS_FROM.has(word) && keywordAt(nodes, at - 1) !== "within")) break;
      const node = nodes[at]!;
      if (isGroup(node)) this.#group(node);
      if (word === "join") {
        expects = true;
        open += isUnconditional(nodes, at) ? 0 : 1;
      } else if (word === "on" || word === "using") open--;
      else if (symbolAt(nodes, at) === ",") expects = true;
      at++;
    }
    return at;
  }

  /** A relation, a function, a query or a join in parentheses. */
  #tableReference(nodes: readonly Node[], at: number): number {
    const node = nodes[at]!;
    if (isGroup(node)) {
      if (holdsQuery(node)) this.statement(node.nodes, 0);
      else this.#fromList(node.nodes, 0);
      return at + 1;
    }
    if (wordAt(nodes, at) === "rows" && wordAt(nodes, at + 1) === "from" && isGroup(nodes[at + 2])) return at + 2;
    return this.#relation(nodes, at, "read");
  }

  /** Notes the relation that is named there. Returns what follows its name. */
  #relation(nodes: readonly Node[], from: number, use: Place["use"]): number {
    let at = from + (wordAt(nodes, from) === "only" ? 1 : 0);
    const inside = nodes[at];
    // `only (name)`
    const held = isGroup(inside) && at > from ? inside : undefined;
    const { name, end } = held ? nameAt(held.nodes, 0) : nameAt(nodes, at);
    // `current_date` and its like are functions without parentheses.
    if (!name.length || (name.length === 1 && NO_ALIAS.has(wordAt(name, 0)))) return Math.max(end, from);
    at = held ? at + 1 : end;
    // A function in FROM.
    if (use === "read" && !held && isGroup(nodes[at])) return at;
    if (symbolAt(nodes, at) === "*") at++;
    this.places.push({
      use,
      name,
      start: name[0]!.start,
      hasAlias: isAlias(nodes, at, use),
      aliasAt: endOf(nodes[at - 1]!),
    });
    return at;
  }

  #locking(nodes: readonly Node[], from: number): number {
    let at = from;
    while (["update", "share", "no", "key"].includes(wordAt(nodes, at))) at++;
    if (at === from || wordAt(nodes, at) !== "of") return at;
    do at = this.#relation(nodes, at + 1, "lock");
    while (symbolAt(nodes, at) === ",");
    return at;
  }

  #with(nodes: readonly Node[], from: number): void {
    const { queries, end } = commonTables(nodes, from);
    for (const query of queries) this.statement(query.nodes, 0);
    if (end < nodes.length) this.statement(nodes, end);
  }

  #insert(nodes: readonly Node[], from: number): void {
    let at = this.#relation(nodes, from, "insert");
    if (wordAt(nodes, at) === "as") at += 2;
    const list = nodes[at];
    if (isGroup(list) && !holdsQuery(list)) at++;
    if (wordAt(nodes, at) === "overriding") at += 3;
    if (wordAt(nodes, at) === "default") this.#query(nodes, at);
    else this.statement(nodes, at);
  }

  #delete(nodes: readonly Node[], from: number): void {
    let at = from;
    while (at < nodes.length && keywordAt(nodes, at) !== "using" && !ENDS_FROM.has(keywordAt(nodes, at))) at++;
    this.#query(nodes, keywordAt(nodes, at) === "using" ? this.#fromList(nodes, at + 1) : at);
  }

  #merge(nodes: readonly Node[], from: number): void {
    let at = from;
    while (at < nodes.length && keywordAt(nodes, at) !== "using") at++;
    const condition = this.#fromList(nodes, at + 1, (here, open) => keywordAt(nodes, here) === "on" && open === 0);
    this.#query(nodes, condition);
  }

  /** The query of a view or a table, the commands of a rule, the body of a function. */
  #create(nodes: readonly Node[], from: number): void {
    const body = nodes.findIndex((_, at) => wordAt(nodes, at) === "begin" && wordAt(nodes, at + 1) === "atomic");
    const isRule = wordAt(nodes, from + 1) === "rule" || wordAt(nodes, from + 3) === "rule";
    if (body >= 0) this.#sequence(nodes.slice(body + 2));
    else if (isRule) this.#rule(nodes);
    else this.#after("as", nodes, from);
  }

  #rule(nodes: readonly Node[]): void {
    let at = nodes.findIndex((_, index) => wordAt(nodes, index) === "do") + 1;
    this.#expression(nodes.slice(0, at));
    if (["also", "instead"].includes(wordAt(nodes, at))) at++;
    const commands = nodes[at];
    this.#sequence(isGroup(commands) ? commands.nodes : nodes.slice(at));
  }

  /** Statements between semicolons. */
  #sequence(nodes: readonly Node[]): void {
    let start = 0;
    for (let at = 0; at <= nodes.length; at++) {
      if (at < nodes.length && symbolAt(nodes, at) !== ";") continue;
      this.statement(nodes.slice(start, at), 0);
      start = at + 1;
    }
  }

  /** The statement behind a word; what comes before it are expressions. */
  #after(word: string, nodes: readonly Node[], from: number): void {
    const at = nodes.findIndex((_, index) => index > from && wordAt(nodes, index) === word);
    this.#expression(at < 0 ? nodes : nodes.slice(0, at));
    if (at >= 0) this.statement(nodes, at + 1);
  }
}

/** The queries of common table expressions, behind `with`, and where the statement begins that they are for. */
export function commonTables(
  nodes: readonly Node[],
  from: number,
): { readonly queries: Group[]; readonly end: number } {
  const queries: Group[] = [];
  let at = from + (wordAt(nodes, from) === "recursive" ? 1 : 0);
  for (;;) {
    at++; // its name
    if (isGroup(nodes[at])) at++;
    while (["as", "not", "materialized"].includes(wordAt(nodes, at))) at++;
    const query = nodes[at++];
    if (isGroup(query)) queries.push(query);
    at = afterSearchAndCycle(nodes, at);
    if (symbolAt(nodes, at) !== ",") return { queries, end: at };
    at++;
  }
}

/** Whether a query stands in the parentheses: `(select …)`, `((select …) union …)`, and no join of what they hold. */
function holdsQuery({ open, nodes }: Group): boolean {
  if (open !== "(" || !nodes.length) return false;
  const [first, second] = [wordAt(nodes, 0), wordAt(nodes, 1)];
  if (first === "select" || first === "with" || first === "values" || first === "table") return true;
  if (first === "insert" || first === "merge") return second === "into";
  if (first === "delete") return second === "from";
  if (first === "update") return nodes.some((_, at) => at > 1 && wordAt(nodes, at) === "set");
  return isGroup(nodes[0]) && holdsQuery(nodes[0]) && (nodes.length === 1 || AFTER_QUERY.has(wordAt(nodes, 1)));
}

/** The parts of the name that begins there, and what follows it. */
export function nameAt(
  nodes: readonly Node[],
  from: number,
): { readonly name: readonly Token[]; readonly end: number } {
  if (!isNameAt(nodes, from)) return { name: [], end: from };
  const name = [nodes[from] as Token];
  let end = from + 1;
  for (; symbolAt(nodes, end) === "." && isNameAt(nodes, end + 1); end += 2) name.push(nodes[end + 1] as Token);
  return { name, end };
}

function isAlias(nodes: readonly Node[], at: number, use: Place["use"]): boolean {
  const word = wordAt(nodes, at);
  if (word === "as") return true;
  // These have no alias, or only one with `as`.
  if (use === "insert" || use === "table" || use === "lock") return false;
  if (nodes[at]?.kind === "quoted") return true;
  return word !== "" && !NO_ALIAS.has(word) && !(use === "update" && word === "set");
}

function isDistinctFrom(nodes: readonly Node[], at: number): boolean {
  return keywordAt(nodes, at - 1) === "distinct" && ["is", "not"].includes(keywordAt(nodes, at - 2));
}

/** `cross join` and `natural … join` come without a condition. */
function isUnconditional(nodes: readonly Node[], join: number): boolean {
  const before = [1, 2, 3].map((back) => wordAt(nodes, join - back));
  const kinds = before.slice(0, before.findIndex((word) => !/^(?:inner|left|right|full|outer)$/.test(word)) + 1);
  return kinds.at(-1) === "cross" || kinds.at(-1) === "natural";
}

export function afterOptions(nodes: readonly Node[], from: number): number {
  let at = from;
  for (;;) {
    const node = nodes[at];
    const isOptions = isGroup(node) && !holdsQuery(node);
    if (!isOptions && !["analyze", "analyse", "verbose"].includes(wordAt(nodes, at))) return at;
    at++;
  }
}

/** Behind `search breadth first by … set …` and `cycle … set … to … default … using …`. */
function afterSearchAndCycle(nodes: readonly Node[], from: number): number {
  let at = from;
  while (["search", "cycle"].includes(wordAt(nodes, at))) {
    while (at < nodes.length && keywordAt(nodes, at) !== "set") at++;
    at += 2;
    if (wordAt(nodes, at) === "to") while (at < nodes.length && keywordAt(nodes, at) !== "using") at++;
    if (wordAt(nodes, at) === "using") at += 2;
  }
  return at;
}
