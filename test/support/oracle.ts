import { loadModule, parseSync } from "libpg-query";

/** A relation as PostgreSQL's own parser reads it: where its name begins, in characters, and whether it has an alias. */
interface ParsedRelation {
  readonly start: number;
  readonly hasAlias: boolean;
}

/** One statement as PostgreSQL's own parser reads it. */
export interface Parsed {
  /** `SelectStmt`, `IndexStmt`, … */
  readonly node: string;
  readonly tree: Tree;
  readonly relations: readonly ParsedRelation[];
}

type Tree = Readonly<Record<string, unknown>>;

await loadModule();

/** The statements of a text. Throws for what PostgreSQL does not understand. */
export function parse(sql: string): Parsed[] {
  const { stmts = [] } = parseSync(sql) as { stmts?: { stmt: Record<string, Tree> }[] };
  return stmts.map(({ stmt }) => {
    const [node, tree] = Object.entries(stmt)[0]!;
    return { node, tree, relations: relationsIn(sql, stmt) };
  });
}

// Where the grammar has relations that a query reads or changes.
const LISTS = ["fromClause", "usingClause", "lockedRels"];
const CHANGING = ["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"];

function relationsIn(sql: string, tree: Tree): ParsedRelation[] {
  const bytes = Buffer.from(sql);
  const found: ParsedRelation[] = [];
  const note = (relation: Tree) => {
    const start = bytes.subarray(0, (relation.location as number | undefined) ?? 0).toString().length;
    // The parser copies `(a, b) = (select …)`, once for each column.
    if (found.every((other) => other.start !== start)) found.push({ start, hasAlias: relation.alias !== undefined });
  };
  const visit = (value: unknown, isReference: boolean): void => {
    if (Array.isArray(value)) for (const item of value) visit(item, isReference);
    if (value === null || typeof value !== "object" || Array.isArray(value)) return;
    for (const [key, inner] of Object.entries(value as Tree)) {
      if (key === "RangeVar" && isReference) note(inner as Tree);
      if (CHANGING.includes(key)) note((inner as { relation: Tree }).relation);
      const holds = LISTS.includes(key) || key === "sourceRelation";
      const passes = isReference && ["JoinExpr", "larg", "rarg", "RangeTableSample", "relation"].includes(key);
      visit(inner, holds || passes);
    }
  };
  visit(tree, false);
  return found.sort((a, b) => a.start - b.start);
}
