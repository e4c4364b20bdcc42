import { useState } from "preact/hooks";
import type { SiteDetail } from "../../../model/site.ts";
import { Source, Sql } from "../code.tsx";
import { Section } from "../pieces.tsx";
import { TextOf } from "../text-of.tsx";

/** Its code, as it was written and as it is sent. */
export function CodeTabs({ detail: { filePart, file, compiled } }: { readonly detail: SiteDetail }) {
  const tabs = [
    ...(filePart !== undefined && file
      ? [
          {
            title: file,
            view: <TextOf part={`files-${filePart}`} name={file} show={(text) => <Source text={text} file={file} />} />,
          },
        ]
      : []),
    ...compiled.map(({ title, sql }) => ({ title: `compiled: ${title}`, view: <Sql text={sql} /> })),
  ];
  const [chosen, choose] = useState(0);
  if (!tabs.length) return null;
  return (
    <Section id="code" title="Code">
      <div class="tabs" role="tablist" aria-label="Code">
        {tabs.map(({ title }, index) => (
          <button
            type="button"
            role="tab"
            id={`code-tab-${index}`}
            aria-controls="code-panel"
            aria-selected={index === chosen}
            onClick={() => choose(index)}
          >
            {title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="code-panel" aria-labelledby={`code-tab-${chosen}`}>
        {tabs[chosen]!.view}
      </div>
    </Section>
  );
}
