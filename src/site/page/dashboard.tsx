import { useMemo, useState } from "preact/hooks";
import { choiceTold, chosenOf } from "../../charts/figures.ts";
import type {
  Choice,
  DashboardData,
  DashboardFilter,
  DatesChoice,
  DatesFilter,
  ValuesChoice,
  ValuesFilter,
} from "../../model/dashboard.ts";
import { choiceIn, notChosen, withChoice } from "./choice.ts";
import { usePart, useProject } from "./context.ts";
import { DayField } from "./day-field.tsx";
import { useLive } from "./live.ts";
import { LiveMark } from "./live-mark.tsx";
import { Markdown } from "./markdown.tsx";
import { Gone, Nowhere } from "./nowhere.tsx";
import { Panel } from "./panel.tsx";
import { isSame, periodsOf } from "./periods.ts";
import { Awaited, Empty, RelationLink } from "./pieces.tsx";
import { href, type Route, replaceRoute } from "./route.ts";
import { minute } from "./words.ts";

export function DashboardPage({ route, name }: { readonly route: Route; readonly name: string }) {
  const { core } = useProject();
  const part = usePart<DashboardData>(`dashboard-${name}`);
  const summary = core.dashboards.find((one) => one.name === name);
  const moves = core.live && summary?.moves === true;
  const [isPaused, setPaused] = useState(false);
  const live = useLive(moves ? name : undefined, isPaused);
  if (!summary) return <Nowhere what={`a dashboard “${name}”`} />;
  return (
    <article class="page full dashboard">
      <header class="dashboard-head">
        <h1>{summary.title}</h1>
        {moves && <LiveMark live={live} pause={setPaused} />}
      </header>
      {live.data ? (
        <Dashboard dashboard={live.data} route={route} />
      ) : part ? (
        <Awaited part={part}>{(dashboard) => <Dashboard dashboard={dashboard} route={route} />}</Awaited>
      ) : (
        <Empty>It shows figures once what it reads is published.</Empty>
      )}
      <p class="note made-of">
        Made of{" "}
        {summary.reads.map((place, index) => (
          <span key={place}>
            {index > 0 && ", "}
            <RelationLink relation={core.relations[place]!} />
          </span>
        ))}
      </p>
    </article>
  );
}

function Dashboard({ dashboard, route }: { readonly dashboard: DashboardData; readonly route: Route }) {
  const { filters, panels, text, release, readAt } = dashboard;
  const choice = useMemo(() => choiceIn(route.query, filters), [filters, route.query]);
  const absent = [...new Set(panels.flatMap((panel) => panel.absent ?? []))];
  const choose = (filter: DashboardFilter, chosen: DatesChoice | ValuesChoice) =>
    replaceRoute(route.path, withChoice(route.query, filter, chosen));
  if (absent.length && panels.every((panel) => panel.absent))
    return (
      <>
        {text && <Markdown text={text} />}
        <div class="nothing-yet">
          <h2>Nothing to show yet</h2>
          <Empty>
            What it reads is not published. `dataform run` builds and publishes it, once its sources have landed.
          </Empty>
        </div>
      </>
    );
  return (
    <>
      {text && <Markdown text={text} />}
      {notChosen(route.query, filters).map((what) => (
        <Gone key={what} what={what} />
      ))}
      <p class="on-paper">{filters.map((filter) => choiceTold(filter, choice)).join(" · ")}</p>
      {filters.length > 0 && (
        <div class="filters">
          {filters.map((filter) =>
            filter.kind === "dates" ? (
              <Dates key={filter.column} filter={filter} choice={choice} choose={choose} />
            ) : (
              <Values key={filter.column} filter={filter} choice={choice} choose={choose} />
            ),
          )}
          {Object.keys(choice).length > 0 && <a href={href(route.path)}>as at first</a>}
        </div>
      )}
      <div class="panels">
        {panels.map((panel, place) => (
          <Panel key={panel.title} dashboard={dashboard} panel={panel} choice={choice} place={place} />
        ))}
      </div>
      <p class="note">
        {release === null ? "Of no release" : `Of release ${release}`}, read {minute(readAt)}.
      </p>
    </>
  );
}

interface FilterProps<Filter> {
  readonly filter: Filter;
  readonly choice: Choice;
  readonly choose: (filter: DashboardFilter, chosen: DatesChoice | ValuesChoice) => void;
}

function Dates({ filter, choice, choose }: FilterProps<DatesFilter>) {
  const chosen = chosenOf(filter, choice) as DatesChoice;
  const field = (side: "from" | "to") => (
    <DayField
      label={`${filter.label} ${side}`}
      what={side === "from" ? "the first of them" : "the last of them"}
      value={chosen[side]}
      first={filter.first}
      last={filter.last}
      choose={(day) => choose(filter, { ...chosen, [side]: day })}
    />
  );
  const periods = periodsOf(filter);
  const named = periods.findIndex((period) => isSame(period.chosen, chosen));
  return (
    <span class="filter" role="group" aria-label={filter.label}>
      <span class="filter-label">{filter.label}</span>
      {periods.length > 0 && (
        <select
          aria-label={`${filter.label} by name`}
          value={named}
          onChange={({ currentTarget }) => choose(filter, periods[Number(currentTarget.value)]!.chosen)}
        >
          {named < 0 && <option value={-1}>chosen days</option>}
          {periods.map(({ name }, at) => (
            <option key={name} value={at}>
              {name}
            </option>
          ))}
        </select>
      )}
      <span class="range-of-days">
        {field("from")} <span aria-hidden="true">–</span> {field("to")}
      </span>
    </span>
  );
}

function Values({ filter, choice, choose }: FilterProps<ValuesFilter>) {
  const { values: chosen } = chosenOf(filter, choice) as ValuesChoice;
  const told =
    chosen.length === 0 ? "all" : chosen.length === 1 ? chosen[0] : `${chosen.length} of ${filter.values.length}`;
  const toggle = (value: string, isChosen: boolean) =>
    choose(filter, { values: filter.values.filter((one) => (one === value ? isChosen : chosen.includes(one))) });
  return (
    <details class="filter choose">
      <summary>
        <span class="filter-label">{filter.label}</span> {told}
      </summary>
      <div class="choose-list">
        <button type="button" disabled={!chosen.length} onClick={() => choose(filter, { values: [] })}>
          all of them
        </button>
        {filter.values.map((value) => (
          <label key={value}>
            <input
              type="checkbox"
              checked={chosen.includes(value)}
              onChange={({ currentTarget }) => toggle(value, currentTarget.checked)}
            />
            {value}
          </label>
        ))}
      </div>
    </details>
  );
}
