import type { FreshnessState, StreamFreshness } from "../../../model/operations.ts";
import { Badge, Empty, NameLink } from "../pieces.tsx";
import { Table } from "../table.tsx";
import { minute, seconds, type Tone } from "../words.ts";
import type { ViewProps } from "./view.ts";

const STATES: Readonly<Record<FreshnessState, readonly [tone: Tone, word: string]>> = {
  fresh: ["good", "fresh"],
  warn: ["notice", "late"],
  error: ["bad", "too late"],
  never: ["notice", "never loaded"],
  undeclared: ["plain", "no limit declared"],
};

/** What somebody must look at first. */
const ORDER: readonly FreshnessState[] = ["error", "warn", "fresh", "never", "undeclared"];

export function Freshness({ data: { freshness } }: ViewProps) {
  if (!freshness.length)
    return <Empty>No source is declared: `ingest/*.yaml` does, and `freshness` in it says how new it is to be.</Empty>;
  return (
    <Table
      isLabelled
      caption="How new each stream is"
      rows={[...freshness].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state))}
      columns={[
        { title: "Stream", cell: ({ source, stream }) => `${source} / ${stream}` },
        { title: "State", cell: ({ state }) => <Badge tone={STATES[state][0]}>{STATES[state][1]}</Badge> },
        { title: "Age", isNumber: true, cell: ({ age }) => (age === null ? "" : seconds(age)) },
        { title: "Late after", isNumber: true, cell: ({ warn }) => (warn === null ? "" : seconds(warn)) },
        { title: "Too late after", isNumber: true, cell: ({ error }) => (error === null ? "" : seconds(error)) },
        { title: "Last load", cell: ({ lastLoad }) => (lastLoad === null ? "" : minute(lastLoad)) },
        ...(freshness.some(({ newest }) => newest !== null)
          ? [
              {
                title: "Newest",
                isLong: true,
                cell: ({ newest, by }: StreamFreshness) => (newest === null ? "" : `${minute(newest)} (${by})`),
              },
            ]
          : []),
        { title: "Table", cell: ({ table }) => <NameLink name={table} /> },
        ...(freshness.some(({ failure }) => failure)
          ? [
              {
                title: "Last failure",
                isText: true,
                cell: ({ failure }: StreamFreshness) => (failure ? `${minute(failure.at)}: ${failure.message}` : ""),
              },
            ]
          : []),
      ]}
    />
  );
}
