import { separated } from "../../../charts/shown.ts";
import type { StoredRelation } from "../../../model/operations.ts";
import { Empty, NameLink } from "../pieces.tsx";
import { Table } from "../table.tsx";
import { bytes, counted, minute } from "../words.ts";
import { Spark } from "./times.tsx";
import type { ViewProps } from "./view.ts";

const KINDS: Readonly<Record<StoredRelation["kind"], string>> = {
  raw: "Landed",
  private: "Models, all kept releases",
  record: "Record of runs and loads",
};

/** So many are told one by one. */
const MOST = 40;

export function Storage({ data: { storage, storageHistory } }: ViewProps) {
  if (!storage.length) return <Empty>Nothing is stored yet.</Empty>;
  const kinds = (Object.keys(KINDS) as StoredRelation["kind"][]).map((kind) => ({
    kind,
    size: storage.filter((one) => one.kind === kind).reduce((sum, one) => sum + one.bytes, 0),
    history: storageHistory.filter((one) => one.kind === kind),
  }));
  const left = storage.slice(MOST);
  return (
    <>
      <div class="numbers totals">
        {kinds.map(({ kind, size, history }) => (
          <p class="figure" key={kind}>
            <span class="figure-label">{KINDS[kind]}</span>
            <strong>{bytes(size)}</strong>
            <Spark values={history.map((one) => one.bytes)} width={160} />
            {history.length > 1 && (
              <span class="figure-change">
                from {bytes(history[0]!.bytes)} on {minute(history[0]!.at).slice(0, 10)}
              </span>
            )}
          </p>
        ))}
      </div>
      <Table
        isLabelled
        caption="What takes room, the largest first"
        rows={storage.slice(0, MOST)}
        columns={[
          { title: "Relation", cell: ({ name }) => <NameLink name={name} /> },
          { title: "What", cell: ({ kind }) => KINDS[kind] },
          { title: "Size", isNumber: true, cell: (one) => bytes(one.bytes) },
          { title: "Rows, about", isNumber: true, cell: ({ rows }) => (rows === null ? "" : separated(String(rows))) },
        ]}
      />
      {left.length > 0 && (
        <p class="note">
          and {counted(left.length, "smaller one")}, {bytes(left.reduce((sum, one) => sum + one.bytes, 0))} together
        </p>
      )}
    </>
  );
}
