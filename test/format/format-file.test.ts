import { expect, test } from "vitest";
import { formatFile } from "../../src/format/format-file.ts";

// Files as people write them, and as they are laid out.

test("configs, code, placeholders and comments stay as they are; SQL and the statements of blocks are laid out", () => {
  const source = `config { type: "incremental",
  tags: ["a"] }
js {
  const days = {a: 1};   // as it is
}
pre_operations {
drop index if exists \${self()}_at --- why
---
set local work_mem='64MB' }


select id, \${days.a}::int as "\${name}", '\${x}  y' as t, \${schema}_raw.col -- note \${a}
from \${ref("orders")} o where a=1
  \${when(incremental(), \`and at > (
    select max(at) from \${self()})\`)}
group by 1

post_operations { create index on \${self()} (at) }
input "orders" { select 1 as id }
`;
  expect(formatFile("a.sqlx", source)).toEqual({
    text: `config { type: "incremental",
  tags: ["a"] }
js {
  const days = {a: 1};   // as it is
}
pre_operations {
  drop index if exists \${self()}_at --- why
---
  set
    local work_mem = '64MB'
}

select
  id,
  \${days.a}::int as "\${name}",
  '\${x}  y' as t,
  \${schema}_raw.col -- note \${a}
from
  \${ref("orders")} o
where
  a = 1
  \${when(incremental(), \`and at > (
    select max(at) from \${self()})\`)}
group by
  1

post_operations {
  create index on \${self()} (at)
}
input "orders" {
  select
    1 as id
}
`,
  });
});

test.each([
  ["a body of a function, and other text in quotes", "select $$ a  b\n$$, E'x\\'  y', 'a\n   b'"],
  ["operators of PostgreSQL", "select a->>'b', c#>>'{d}', e@>f, g::text[], h[1:2], -i, j||k, array[1,2], (l).m, :n"],
  [
    "filter, window, lateral, within group, on conflict",
    "select sum(x) filter (where y) over (partition by z), percentile_cont(0.5) within group (order by q) from a cross join lateral (select 1) b; insert into t values (1) on conflict (id) do update set a = excluded.a returning *",
  ],
  [
    "a placeholder at each place",
    "select ${a}${b}, x${c}, ${d}1, ${ {e: `}`}.e }, ${'}'} from ${f}.${g} ${h} where ${i} and not ${j} order by ${k}",
  ],
])("%s: the same tokens, and the same layout again", (_, sql) => {
  const formatted = formatFile("a.sql", sql);
  const text = "text" in formatted ? formatted.text : formatted.left;
  expect(formatFile("a.sql", text)).toEqual({ text });
  expect(text.replaceAll(/\s/g, "")).toBe(sql.replaceAll(/\s/g, ""));
});

test("line breaks stay those of the file", () => {
  expect(formatFile("a.sqlx", 'config { type: "view" }\r\nselect 1 as a')).toEqual({
    text: 'config { type: "view" }\r\nselect\r\n  1 as a\r\n',
  });
});

test.each([
  ['config { type: "view"', "config { … } has no end"],
  ["select 1 as a, js { const a = 1; } 2 as b", "a statement goes on behind a block"],
  ["select ${a", "a placeholder has no end"],
  ["select (1", expect.stringMatching(/^Parse error/)],
])("%s is left, and why is said", (source, left) => {
  expect(formatFile("a.sqlx", source)).toEqual({ left });
});

test("a file without SQL stays as it is", () => {
  const source = '\nconfig { type: "declaration", name: "a" }\n\n\n-- nothing';
  expect(formatFile("a.sqlx", source)).toEqual({ text: source });
});
