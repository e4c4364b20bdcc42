import { useState } from "preact/hooks";
import type { SiteRelation, SiteTest } from "../../../model/site.ts";
import { Sql } from "../code.tsx";
import { Badge, Empty, Section } from "../pieces.tsx";
import { TextOf } from "../text-of.tsx";
import { counted } from "../words.ts";

/** The assertions that hold it, each with its last verdict. */
export function Tests({ relation, tests }: { readonly relation: SiteRelation; readonly tests: readonly SiteTest[] }) {
  if (!tests.length && relation.kind === "source") return null;
  return (
    <Section id="tests" title="Tests that hold it" aside={counted(tests.length, "test")}>
      {tests.length ? (
        <ul class="tests">
          {tests.map((test) => (
            <li key={test.name}>
              <Test test={test} />
            </li>
          ))}
        </ul>
      ) : (
        <Empty>No assertion holds it: `assertions` in its config are the quickest way to one.</Empty>
      )}
    </Section>
  );
}

function Test({ test }: { readonly test: SiteTest }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <Verdict test={test} />
        <span class="test-name">{test.name.slice(test.name.indexOf(".") + 1)}</span>
        {test.description && <span class="test-about">{test.description}</span>}
      </summary>
      {isOpen && (
        <>
          <p class="note">
            <code>{test.file}</code> returns the rows that should not exist:
          </p>
          <TextOf part={`tests-${test.part}`} name={test.name} show={(text) => <Sql text={text} />} />
        </>
      )}
    </details>
  );
}

function Verdict({ test: { verdict, rows } }: { readonly test: SiteTest }) {
  if (verdict === undefined) return <Badge tone="plain">not run</Badge>;
  if (verdict === "ok") return <Badge tone="good">holds</Badge>;
  const tone = verdict === "failed" ? "bad" : "notice";
  return <Badge tone={tone}>{rows === undefined ? verdict : `${verdict}: ${counted(rows, "row")}`}</Badge>;
}
