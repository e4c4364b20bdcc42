import { useEffect, useRef } from "preact/hooks";
import type { OperationsData } from "../../model/operations.ts";
import { usePart } from "./context.ts";
import { Nowhere } from "./nowhere.tsx";
import { FailingTests } from "./operations/failing-tests.tsx";
import { Freshness } from "./operations/freshness.tsx";
import { Loads } from "./operations/loads.tsx";
import { Releases } from "./operations/releases.tsx";
import { Runs } from "./operations/runs.tsx";
import { Schedule } from "./operations/schedule.tsx";
import { Storage } from "./operations/storage.tsx";
import { Times } from "./operations/times.tsx";
import { Awaited, Empty } from "./pieces.tsx";
import { href, type Route } from "./route.ts";
import { minute } from "./words.ts";

/** Of the rooms the first is what whoever is called looks at first. */
const TABS = [
  ["runs", "Runs", Runs],
  ["tests", "Failing tests", FailingTests],
  ["freshness", "Freshness", Freshness],
  ["loads", "Loads", Loads],
  ["schedule", "Schedule", Schedule],
  ["releases", "Releases", Releases],
  ["times", "Times", Times],
  ["storage", "Storage", Storage],
] as const;

export function OperationsPage({ route, tab = "runs" }: { readonly route: Route; readonly tab: string | undefined }) {
  const part = usePart<OperationsData>("operations");
  const tabs = useRef<HTMLElement>(null);
  // A phone has no room for all of them.
  useEffect(
    () => tabs.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" }),
    [tab],
  );
  const View = TABS.find(([name]) => name === tab)?.[2];
  if (!View) return <Nowhere what={`a page of operations “${tab}”`} />;
  return (
    <article class="page full">
      <h1>Operations</h1>
      <nav class="tabs" aria-label="Operations" ref={tabs}>
        {TABS.map(([name, title]) => (
          <a key={name} href={href(["operations", name])} aria-current={name === tab ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      {part ? (
        <Awaited part={part}>
          {(data) => (
            <>
              <View data={data} route={route} />
              <p class="note">As the records told it at {minute(data.readAt)}.</p>
            </>
          )}
        </Awaited>
      ) : (
        <Empty>Nothing is recorded yet: runs and loads are, from the first one on.</Empty>
      )}
    </article>
  );
}
