import { separated } from "../../../charts/shown.ts";
import { Badge, Empty } from "../pieces.tsx";
import { Table } from "../table.tsx";
import { bytes, counted, minute, seconds } from "../words.ts";
import type { ViewProps } from "./view.ts";

export function Loads({ data: { loads, moreLoads, rejects } }: ViewProps) {
  if (!loads.length) return <Empty>Nothing was loaded yet: `dataform ingest` does it.</Empty>;
  return (
    <>
      {rejects.length > 0 && (
        <section class="section">
          <h2>What could not be landed</h2>
          <Table
            isLabelled
            caption="Open rejects by reason"
            rows={rejects}
            columns={[
              { title: "Stream", cell: ({ source, stream }) => `${source} / ${stream}` },
              { title: "Records", isNumber: true, cell: ({ count }) => separated(String(count)) },
              { title: "Reason", isText: true, cell: ({ reason }) => reason },
              { title: "From", cell: ({ firstAt }) => minute(firstAt) },
              { title: "To", cell: ({ lastAt }) => minute(lastAt) },
            ]}
          />
        </section>
      )}
      <section class="section">
        <h2>Loads</h2>
        <Table
          isLabelled
          caption="Loads, the newest first"
          rows={loads}
          columns={[
            { title: "Began", cell: ({ startedAt }) => minute(startedAt) },
            { title: "Stream", cell: ({ source, stream }) => `${source} / ${stream}` },
            {
              title: "Outcome",
              cell: ({ status }) => (
                <Badge tone={status === "loaded" ? "good" : status === "failed" ? "bad" : "notice"}>{status}</Badge>
              ),
            },
            { title: "Rows", isNumber: true, cell: ({ rows }) => separated(String(rows)) },
            {
              title: "Rejected",
              isNumber: true,
              isRare: true,
              cell: ({ rejected }) => (rejected ? separated(String(rejected)) : ""),
            },
            { title: "Took", isNumber: true, cell: (one) => (one.seconds === null ? "" : seconds(one.seconds)) },
            { title: "File", isLong: true, isRare: true, cell: ({ file }) => file ?? "" },
            {
              title: "Size",
              isNumber: true,
              isRare: true,
              cell: (one) => (one.fileBytes === null ? "" : bytes(one.fileBytes)),
            },
            { title: "Error", isText: true, isRare: true, cell: ({ error }) => error ?? "" },
          ]}
        />
        {moreLoads > 0 && <p class="note">and {counted(moreLoads, "earlier load")}</p>}
      </section>
    </>
  );
}
