// The grammar as VS Code reads it: which words of a file are what.

const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const path = require("node:path");
const { test } = require("node:test");
const oniguruma = require("vscode-oniguruma");
const { INITIAL, Registry, parseRawGrammar } = require("vscode-textmate");

const root = path.join(__dirname, "..");
const wasm = readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));

// VS Code's own grammars of JavaScript and SQL, as little of them as shows where they are asked.
const OTHERS = {
  "source.js": { scopeName: "source.js", patterns: [{ match: "\\btrue\\b", name: "constant.js" }] },
  "source.sql": {
    scopeName: "source.sql",
    patterns: [{ match: "(?i)\\b(select|from|where|delete)\\b", name: "keyword.sql" }],
  },
};

const registry = new Registry({
  onigLib: oniguruma.loadWASM(wasm).then(() => ({
    createOnigScanner: (sources) => new oniguruma.OnigScanner(sources),
    createOnigString: (text) => new oniguruma.OnigString(text),
  })),
  loadGrammar: async (scope) => {
    if (scope !== "source.sqlx") return OTHERS[scope] ?? null;
    const file = path.join(root, "syntaxes/sqlx.tmLanguage.json");
    return parseRawGrammar(readFileSync(file, "utf8"), file);
  },
});

/** The scopes of each piece of a text, by the piece. */
async function scopesOf(text) {
  const grammar = await registry.loadGrammar("source.sqlx");
  const found = new Map();
  let state = INITIAL;
  for (const line of text.split("\n")) {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
    for (const { startIndex, endIndex, scopes } of tokens)
      found.set(line.slice(startIndex, endIndex).trim(), scopes.join(" "));
    state = ruleStack;
  }
  return found;
}

test("a config is JavaScript to its last brace, and SQL follows", async () => {
  const scopes = await scopesOf(
    'config {\n  type: "table",\n  hasOutput: true, postgres: { indexes: [] }\n}\nselect 1',
  );
  assert.match(scopes.get("config"), /keyword\.control\.config/);
  assert.match(scopes.get("hasOutput"), /meta\.embedded\.block\.javascript.* variable\.object\.property/);
  assert.match(scopes.get("true"), /meta\.embedded\.block\.javascript.* constant\.js/);
  assert.equal(scopes.get("select"), "source.sqlx keyword.sql");
});

test("placeholders are JavaScript, in strings, too; what follows is SQL again", async () => {
  const scopes = await scopesOf("select '${when(true, { a: 1 })}' from ${ref(\"a\")} where x -- select ${no}");
  assert.match(scopes.get("when"), /string\.quoted\.single.* meta\.embedded\.inline\.javascript support\.function/);
  assert.match(scopes.get("ref"), /^source\.sqlx meta\.embedded\.inline\.javascript support\.function/);
  assert.equal(scopes.get("where"), "source.sqlx keyword.sql");
  assert.match(scopes.get("-- select ${no}"), /comment/);
});

test("blocks of statements, of JavaScript and of inputs end where they end", async () => {
  const scopes = await scopesOf(
    'js {\n  const a = { b: true };\n}\npre_operations {\n  delete from ${self()}\n}\ninput "raw", "till" {\n  select 1\n}\nfrom x',
  );
  assert.match(scopes.get("true"), /meta\.embedded\.block\.javascript.* constant\.js/);
  assert.match(scopes.get("delete"), /meta\.embedded\.block\.sql keyword\.sql/);
  assert.match(scopes.get("select"), /meta\.embedded\.block\.sql keyword\.sql/);
  assert.equal(scopes.get("from"), "source.sqlx keyword.sql");
});
