import { useState } from "preact/hooks";
import type { SiteUnitTest } from "../../../model/site.ts";
import { Source } from "../code.tsx";
import { Badge, Section } from "../pieces.tsx";
import { TextOf } from "../text-of.tsx";
import { counted } from "../words.ts";

export function UnitTests({ tests }: { readonly tests: readonly SiteUnitTest[] }) {
  if (!tests.length) return null;
  return (
    <Section id="unit-tests" title="Unit tests of its query" aside={counted(tests.length, "test")}>
      <ul class="tests">
        {tests.map((test) => (
          <li key={`${test.file} ${test.name}`}>
            <UnitTest test={test} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function UnitTest({ test: { name, file, filePart, passed, why } }: { readonly test: SiteUnitTest }) {
  const [isOpen, setOpen] = useState(false);
  const tone = passed === undefined ? "plain" : passed ? "good" : "bad";
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <Badge tone={tone}>{passed === undefined ? "not run" : passed ? "passes" : "fails"}</Badge>
        <span class="test-name">{name}</span>
        {why && <span class="test-about">{why}</span>}
      </summary>
      {isOpen && (
        <>
          <p class="note">
            <code>{file}</code> gives its query these rows, and says which come of them; asked of the code as it was
            when this page was made:
          </p>
          {filePart !== undefined && (
            <TextOf part={`files-${filePart}`} name={file} show={(text) => <Source text={text} file={file} />} />
          )}
        </>
      )}
    </details>
  );
}
