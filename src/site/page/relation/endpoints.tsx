import type { SiteEndpoint } from "../../../model/site.ts";
import { useProject } from "../context.ts";
import { Inline } from "../markdown.tsx";
import { RelationLink, Section } from "../pieces.tsx";
import { Table } from "../table.tsx";
import { counted } from "../words.ts";

/** What an API answers: where, what, and of which relation. */
export function Endpoints({ endpoints }: { readonly endpoints: readonly SiteEndpoint[] }) {
  const { core } = useProject();
  return (
    <Section id="endpoints" title="Endpoints" aside={counted(endpoints.length, "endpoint")}>
      <Table
        caption="Endpoints"
        isStacked
        rows={endpoints}
        rowKey={({ path }) => path}
        columns={[
          { title: "Address", cell: ({ path }) => <code>{path}</code> },
          {
            title: "What it answers",
            isText: true,
            cell: ({ title, text }) => <Inline text={text ? `${title}. ${text}` : title} />,
          },
          { title: "Parameters", isLong: true, cell: ({ parameters }) => parameters.join(", ") },
          {
            title: "Reads",
            cell: ({ reads }) => reads !== undefined && <RelationLink relation={core.relations[reads]!} />,
          },
        ]}
      />
    </Section>
  );
}
