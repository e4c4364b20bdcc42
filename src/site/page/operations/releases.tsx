import type { ReleaseSummary } from "../../../model/operations.ts";
import { Badge, Empty } from "../pieces.tsx";
import { Table } from "../table.tsx";
import { bytes, counted, minute, seconds } from "../words.ts";
import type { ViewProps } from "./view.ts";

export function Releases({ data: { releases, waits } }: ViewProps) {
  if (!releases.length) return <Empty>Nothing is published yet: `dataform run` does it.</Empty>;
  const waited = new Map(waits.map((wait) => [wait.release, wait]));
  return (
    <Table
      isLabelled
      caption="Releases, the newest first"
      rows={releases}
      columns={[
        { title: "Release", isNumber: true, cell: ({ release }) => release },
        { title: "State", cell: (one) => <State release={one} /> },
        { title: "Published", cell: ({ publishedAt }) => (publishedAt === null ? "" : minute(publishedAt)) },
        { title: "Models", isNumber: true, cell: ({ models }) => models ?? "" },
        { title: "Size", isNumber: true, cell: (one) => (one.bytes === null ? "" : bytes(one.bytes)) },
        { title: "Its own", isNumber: true, cell: ({ ownBytes }) => (ownBytes === null ? "" : bytes(ownBytes)) },
        {
          title: "Waited",
          isNumber: true,
          cell: ({ release }) => {
            const wait = waited.get(release);
            return wait ? seconds(wait.horizonSeconds + wait.lockSeconds) : "";
          },
        },
        {
          title: "Against the one before",
          isText: true,
          cell: ({ changes }) => (changes ? <Changes changes={changes} /> : ""),
        },
      ]}
    />
  );
}

function State({ release: { isCurrent, isKept, status, contentOf } }: { readonly release: ReleaseSummary }) {
  const word = isCurrent ? "current" : status === "published" ? (isKept ? "kept" : "collected") : status;
  return (
    <>
      <Badge tone={isCurrent ? "good" : status === "waiting" ? "notice" : "plain"}>{word}</Badge>
      {contentOf !== null && <span class="of-schema"> content of {contentOf}</span>}
    </>
  );
}

function Changes({ changes }: { readonly changes: NonNullable<ReleaseSummary["changes"]> }) {
  const lists = (["added", "removed", "changed", "rebuilt"] as const).filter((name) => changes[name].length > 0);
  if (!lists.length) return <>the same objects</>;
  return (
    <details>
      <summary>{lists.map((name) => `${changes[name].length} ${name}`).join(", ")}</summary>
      {lists.map((name) => (
        <p class="note" key={name}>
          {counted(changes[name].length, "model")} {name}: {changes[name].join(", ")}
        </p>
      ))}
    </details>
  );
}
