import type { SiteDetail, SiteRelation } from "../../../model/site.ts";
import { Empty, Section } from "../pieces.tsx";
import { Cell, Table } from "../table.tsx";
import { counted } from "../words.ts";

const NUMBER = /^(?:smallint|integer|bigint|numeric|real|double precision)\b/;

export function Sample({
  relation,
  sample,
}: {
  readonly relation: SiteRelation;
  readonly sample: NonNullable<SiteDetail["sample"]>;
}) {
  const types = new Map(relation.columns.map(([name, type]) => [name, type]));
  return (
    <Section id="sample" title="Some rows" aside={counted(sample.rows.length, "row")}>
      {sample.rows.length ? (
        <Table
          caption="Some rows"
          rows={sample.rows}
          columns={sample.columns.map((title, index) => ({
            title,
            isNumber: NUMBER.test(types.get(title) ?? ""),
            cell: (row: readonly (string | null)[]) => <Cell value={row[index] ?? null} />,
          }))}
        />
      ) : (
        <Empty>It has no rows.</Empty>
      )}
    </Section>
  );
}
