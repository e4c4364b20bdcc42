import { separated } from "../../../charts/shown.ts";
import { Empty } from "../pieces.tsx";
import { relationHref } from "../route.ts";
import { Table } from "../table.tsx";
import { bytes, seconds } from "../words.ts";
import type { ViewProps } from "./view.ts";

/** How long each model takes, the slowest first. */
export function Times({ data: { models } }: ViewProps) {
  if (!models.length) return <Empty>No model was built yet.</Empty>;
  const sorted = [...models].sort((a, b) => b.last - a.last);
  return (
    <Table
      isLabelled
      caption="How long each model takes"
      rows={sorted}
      columns={[
        {
          title: "Model",
          cell: ({ target }) => (
            <a class="relation-link" href={relationHref(target)}>
              <span class="of-schema">{target.schema}.</span>
              {target.name}
            </a>
          ),
        },
        {
          title: "Over the last runs",
          isRare: true,
          cell: ({ history }) => history.length > 1 && <Spark values={history.map((one) => one.seconds)} />,
        },
        { title: "Last", isNumber: true, cell: ({ last }) => seconds(last) },
        { title: "Median", isNumber: true, cell: ({ median }) => seconds(median) },
        { title: "Slowest", isNumber: true, cell: ({ slowest }) => seconds(slowest) },
        { title: "Runs", isNumber: true, cell: ({ runs }) => runs },
        {
          title: "Rows",
          isNumber: true,
          cell: ({ lastRows }) => (lastRows === null ? "" : separated(String(lastRows))),
        },
        { title: "Stored", isNumber: true, cell: ({ lastBytes }) => (lastBytes === null ? "" : bytes(lastBytes)) },
      ]}
    />
  );
}

/** A small line; what it says in figures stands beside it. */
export function Spark({ values, width = 120 }: { readonly values: readonly number[]; readonly width?: number }) {
  if (values.length < 2) return null;
  const most = Math.max(...values, Number.MIN_VALUE);
  const points = values.map((value, at) => {
    const x = 1 + (at / (values.length - 1)) * (width - 2);
    return `${x.toFixed(1)} ${(21 - (value / most) * 19).toFixed(1)}`;
  });
  return (
    <svg class="spark" width={width} height="22" viewBox={`0 0 ${width} 22`} aria-hidden="true">
      <path d={`M${points.join("L")}`} />
    </svg>
  );
}
