import { type Group, grouped, isGroup, isNameAt, type Node, symbolAt, wordAt } from "./groups.ts";
import { afterOptions, commonTables, nameAt, placesOf } from "./places.ts";
import { remembered } from "./remembered.ts";
import { meaningful, type Token } from "./tokens.ts";

/** What one statement is, by its tokens: comments, strings and the names of columns say nothing. */
export interface StatementClass {
  /** "select", "insert", "create index", "alter table", "vacuum", …; "" for what is no statement. */
  readonly command: string;
  /** Relations whose rows or shape it changes, or that it takes away, part by part, as PostgreSQL stores the names. */
  readonly changes: readonly (readonly string[])[];
  /** "outside": PostgreSQL refuses it in a transaction. "control": it begins or ends one. */
  readonly transaction: "inside" | "outside" | "control";
}

export const classify: (statement: string) => StatementClass = remembered((statement) => {
  const nodes = grouped(meaningful(statement));
  const { command, object } = commandOf(nodes);
  return { command, changes: changesOf(command, nodes, object, statement), transaction: transactionOf(command, nodes) };
});

// Kinds of objects, as `create`, `alter` and `drop` name them; the longer ones first.
const OBJECTS = [
  "foreign data wrapper,text search configuration,text search dictionary,text search parser,text search template",
  "access method,default privileges,event trigger,foreign table,large object,materialized view,operator class",
  "operator family,user mapping,aggregate,cast,collation,conversion,database,domain,extension,function,group,index",
  "language,operator,policy,procedure,publication,role,routine,rule,schema,sequence,server,statistics,subscription",
  "system,table,tablespace,transform,trigger,type,user,view",
]
  .join(",")
  .split(",")
  .map((object) => object.split(" "));
const MODIFIERS = new Set(
  "or replace global local temp temporary unlogged recursive unique trusted procedural constraint default".split(" "),
);
const SAME: Readonly<Record<string, string>> = {
  table: "select",
  values: "select",
  start: "begin",
  end: "commit",
  abort: "rollback",
  analyse: "analyze",
};

/** The command, and where the name of its object begins. */
function commandOf(nodes: readonly Node[]): { readonly command: string; readonly object: number } {
  if (isGroup(nodes[0])) return { command: commandOf(nodes[0].nodes).command, object: 1 };
  const head = wordAt(nodes, 0);
  if (head === "with") return commandOf(nodes.slice(commonTables(nodes, 1).end));
  if (head === "create" || head === "alter" || head === "drop") return objectCommand(head, nodes);
  if (head === "refresh") return { command: "refresh materialized view", object: 3 };
  return { command: Object.hasOwn(SAME, head) ? SAME[head]! : head, object: 1 };
}

function objectCommand(head: string, nodes: readonly Node[]) {
  let at = 1;
  for (;;) {
    const object = OBJECTS.find((words) => words.every((word, index) => wordAt(nodes, at + index) === word));
    if (object) return { command: `${head} ${object.join(" ")}`, object: at + object.length };
    if (!MODIFIERS.has(wordAt(nodes, at))) return { command: head, object: at };
    at++;
  }
}

// Each begins a statement that places.ts reads for what it changes.
const CHANGING = new Set(["insert", "update", "delete", "merge"]);
const READ = new Set(["select", "insert", "update", "delete", "merge", "explain", "copy", "prepare", "declare"]);

function changesOf(command: string, nodes: readonly Node[], object: number, statement: string): string[][] {
  if (READ.has(command)) {
    const places = placesOf(statement).filter(({ use }) => CHANGING.has(use));
    const loaded = command === "copy" ? copiedInto(nodes) : [];
    return [...loaded, ...places.map(({ name }) => name.map(storedName))];
  }
  switch (command) {
    case "truncate":
      return namesFrom(nodes, wordAt(nodes, 1) === "table" ? 2 : 1);
    case "refresh materialized view":
      return namesFrom(nodes, object);
    case "create index":
    case "create trigger":
    case "create policy":
    case "alter trigger":
    case "drop trigger":
    case "alter policy":
    case "drop policy":
    case "alter rule":
    case "drop rule":
      return namesFrom(nodes, behind("on", nodes, object));
    case "create rule":
      return namesFrom(nodes, behind("to", nodes, object));
    default:
      return /^(?:alter|drop|create) (?:foreign table|table|materialized view|view|sequence|index|schema)$/.test(
        command,
      )
        ? namesFrom(nodes, object)
        : [];
  }
}

/** `copy name (columns) from …`; `copy … to` changes nothing. */
function copiedInto(nodes: readonly Node[]): string[][] {
  const { name, end } = nameAt(nodes, 1);
  const direction = wordAt(nodes, isGroup(nodes[end]) ? end + 1 : end);
  return name.length && direction === "from" ? [name.map(storedName)] : [];
}

/** A `copy` between the server and whoever sent the statement. */
export type ClientStream = "copy … from stdin" | "copy … to stdout";

/** Whether a statement expects rows from whoever sent it, or sends them. PostgreSQL takes either word for both. */
export function streamOf(statement: string): ClientStream | undefined {
  if (classify(statement).command !== "copy") return undefined;
  const nodes = grouped(meaningful(statement));
  const at = nodes.findIndex((_, index) => /^(?:from|to)$/.test(wordAt(nodes, index)));
  if (at < 0 || !/^(?:stdin|stdout)$/.test(wordAt(nodes, at + 1))) return undefined;
  return wordAt(nodes, at) === "from" ? "copy … from stdin" : "copy … to stdout";
}

/** The first of a word behind a place that is no part of a name. */
function behind(word: string, nodes: readonly Node[], from: number): number {
  const at = nodes.findIndex((_, index) => index >= from && wordAt(nodes, index) === word);
  return at < 0 ? nodes.length : at + 1;
}

/** A list of relations: `only a, b *`, behind what may come before it. */
function namesFrom(nodes: readonly Node[], from: number): string[][] {
  const names: string[][] = [];
  for (let at = from; ; at++) {
    while (["concurrently", "if", "not", "exists", "only"].includes(wordAt(nodes, at))) at++;
    const { name, end } = nameAt(nodes, at);
    if (!name.length) return names;
    names.push(name.map(storedName));
    at = symbolAt(nodes, end) === "*" ? end + 1 : end;
    if (symbolAt(nodes, at) !== ",") return names;
  }
}

/** A part of a name as PostgreSQL stores it: what stands in no quotes becomes small. */
function storedName({ kind, text }: Token): string {
  if (kind === "word") return text.toLowerCase();
  return text.slice(text.indexOf('"') + 1, -1).replaceAll('""', '"');
}

const OUTSIDE = new Set([
  "vacuum",
  "create database",
  "drop database",
  "create tablespace",
  "drop tablespace",
  "alter system",
  "drop subscription",
]);

function transactionOf(command: string, nodes: readonly Node[]): StatementClass["transaction"] {
  const words = nodes.map((_, index) => wordAt(nodes, index));
  const has = (word: string) => words.includes(word);
  const outside = (is: boolean) => (is ? "outside" : "inside");
  if (OUTSIDE.has(command)) return "outside";
  switch (command) {
    case "begin":
      return "control";
    case "commit":
    case "rollback":
      // To a savepoint the transaction goes on; what is prepared is another one.
      return words[1] === "prepared" ? "outside" : has("to") ? "inside" : "control";
    case "prepare":
      return words[1] === "transaction" ? "control" : "inside";
    case "create index":
    case "drop index":
      return outside(words[2] === "concurrently" || words[3] === "concurrently");
    case "reindex":
      return outside(has("concurrently") || option(nodes[1], "concurrently") === true || isWhole(words));
    case "cluster":
      return outside(!nodes.slice(afterOptions(nodes, 1)).some((_, at, rest) => isNameAt(rest, at)));
    case "discard":
      return outside(words[1] === "all");
    case "alter table":
      return outside(has("detach") && has("concurrently"));
    case "alter database":
      return outside(words[3] === "set" && words[4] === "tablespace");
    case "create subscription":
      return outside(option(nodes.at(-1), "connect") !== false && option(nodes.at(-1), "create_slot") !== false);
    case "alter subscription":
      return outside(has("publication") && option(nodes.at(-1), "refresh") !== false);
    default:
      return "inside";
  }
}

/** `reindex schema`, `database` and `system` go from table to table. */
function isWhole(words: readonly string[]): boolean {
  return ["schema", "database", "system"].includes(words.slice(1).find((word) => word !== "") ?? "");
}

/** An option in parentheses, as PostgreSQL reads it; undefined where it is not there. */
function option(options: Node | undefined, name: string): boolean | undefined {
  if (!isGroup(options)) return undefined;
  const { nodes }: Group = options;
  const at = nodes.findIndex((_, index) => wordAt(nodes, index) === name);
  if (at < 0) return undefined;
  const value = nodes[symbolAt(nodes, at + 1) === "=" ? at + 2 : at + 1];
  const text = value && !isGroup(value) ? value.text.toLowerCase().replaceAll("'", "") : "";
  return !["false", "off", "0", "no"].includes(text);
}
