import { useEffect, useMemo, useState } from "preact/hooks";
import type { Explored, ExploreRelation } from "../../../model/explore.ts";
import { Panel } from "../panel.tsx";
import { Empty } from "../pieces.tsx";
import { counted } from "../words.ts";
import { askAnswer, type NotAnswered, type Refused } from "./ask.ts";
import { Keep } from "./keep.tsx";
import { askedOf, chartsOf, expectedColumns, figuresIn, panelOf, severalIn, shapeOf, titleOf } from "./shape.ts";
import type { Chart, View } from "./view.ts";

interface AnswerProps {
  readonly view: View;
  /** That is picked from; undefined for a select. */
  readonly relation: ExploreRelation | undefined;
  readonly change: (view: View) => void;
  /** Goes on with the select of what is picked. */
  readonly goOn?: (sql: string) => void;
}

/** An answer, with the view that it was asked for. */
interface There {
  readonly view: View;
  readonly asked: string;
  readonly answer: Explored;
}

/** Asks what the view says, and shows it. */
export function AnswerView({ view, relation, change, goOn }: AnswerProps) {
  const [there, setThere] = useState<There>();
  const [refused, setRefused] = useState<{ readonly asked: string; readonly why: Refused }>();
  const columns = view.picked
    ? expectedColumns(view.picked, relation)
    : there?.view.sql === view.sql
      ? (there?.answer.columns ?? [])
      : [];
  const shape = columns.length ? shapeOf(view, columns) : undefined;
  const asking = askedOf(view, shape ?? { chart: "table", x: [], y: [], order: [] }, columns);
  const asked = JSON.stringify(asking);
  useEffect(() => {
    const ended = new AbortController();
    askAnswer(asking, ended.signal).then(
      (answer) => {
        setThere({ view, asked, answer });
        setRefused(undefined);
      },
      ({ refused: why }: NotAnswered) => why && setRefused({ asked, why }),
    );
    return () => ended.abort();
  }, [asked]);
  const isRefused = refused?.asked === asked;
  const isBusy = !isRefused && there?.asked !== asked;
  return (
    <section class="answer" aria-label="Answer" aria-busy={isBusy}>
      {isRefused && <Refusal refused={refused.why} />}
      {!isRefused && !there && <p class="loading">Asking…</p>}
      {!isRefused && there && <Answer there={there} view={isBusy ? there.view : view} change={change} goOn={goOn} />}
    </section>
  );
}

/** Why a question is not answered; what PostgreSQL says, with the place in the select. */
export function Refusal({ refused }: { readonly refused: Refused }) {
  const { detail, snippet, expected, found, hint, line, column } = refused;
  return (
    <div class="refusal" role="alert">
      <p class="failure">
        {line !== undefined && <span class="place">{`Line ${line}, column ${column}: `}</span>}
        {detail}
      </p>
      {snippet && <pre>{snippet}</pre>}
      {expected && <p class="note">{`Expected: ${expected}`}</p>}
      {found && found !== detail && <p class="note found">{`Found: ${found}`}</p>}
      {hint && <p class="note">{hint}</p>}
    </div>
  );
}

interface ShownProps extends Pick<AnswerProps, "view" | "change" | "goOn"> {
  readonly there: There;
}

const WORDS: Readonly<Record<Chart, string>> = {
  table: "Table",
  bar: "Bars",
  line: "Lines",
  area: "Areas",
  scatter: "Points",
  heat: "Heat",
  number: "Number",
};

function Answer({ there: { answer }, view, change, goOn }: ShownProps) {
  const { columns, rows, cut, cutValues, release, sql } = answer;
  const shape = useMemo(() => shapeOf(view, columns), [view, answer]);
  const title = titleOf(view);
  const panel = useMemo(() => panelOf(answer, shape, title), [answer, shape, title]);
  const several = severalIn(answer, shape);
  const charts = chartsOf(view, columns);
  const dashboard = {
    version: 1,
    name: "explore",
    file: "",
    title,
    release,
    readAt: "",
    filters: [],
    panels: [panel],
  } as const;
  return (
    <>
      <div class="answer-bar">
        <div class="switch" role="group" aria-label="Shown as">
          {charts.map((chart) => (
            <button
              key={chart}
              type="button"
              aria-pressed={shape.chart === chart}
              onClick={() => change({ ...view, chart })}
            >
              {WORDS[chart]}
            </button>
          ))}
        </div>
        {!view.picked && shape.chart !== "table" && shape.chart !== "number" && (
          <Places view={view} answer={answer} change={change} />
        )}
      </div>
      {cut && (
        <p class="cut" role="status">
          {`This is not all of it: ${cut}. Group it, filter it${view.picked ? "" : ", or ask for fewer rows"}.`}
        </p>
      )}
      {cutValues > 0 && (
        <p class="note">{`${counted(cutValues, "value")} ended with … : longer than is shown here.`}</p>
      )}
      {several ? (
        <Empty>{`There are several rows of ${several}, and a chart shows one: choose what tells them apart, sum them, or look at the table.`}</Empty>
      ) : (
        <div class="panels">
          <Panel key={shape.chart} dashboard={dashboard} panel={panel} choice={{}} place={0} />
        </div>
      )}
      <p class="note">
        {`${counted(rows.length, "row")}, ${release === null ? "of no release" : `of release ${release}`}. `}
        {goOn && (
          <button type="button" class="as-link" onClick={() => goOn(sql)}>
            Go on in SQL
          </button>
        )}
      </p>
      {!several && <Keep key={title} title={title} answer={answer} shape={shape} />}
    </>
  );
}

/** Of a select: what of it stands where. */
function Places({ view, answer, change }: Pick<ShownProps, "view" | "change"> & { readonly answer: Explored }) {
  const shape = shapeOf(view, answer.columns);
  const numbers = figuresIn(view, answer.columns);
  const names = answer.columns.map(({ name }) => name);
  const choose = (
    label: string,
    value: string | undefined,
    all: readonly string[],
    set: (name: string) => View,
    none?: string,
  ) => (
    <label class="place-of">
      {label}
      <select value={value ?? ""} onChange={({ currentTarget }) => change(set(currentTarget.value))}>
        {none !== undefined && <option value="">{none}</option>}
        {all.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
  const isScatter = shape.chart === "scatter";
  const without = ({ series: _, ...rest }: View): View => rest;
  return (
    <>
      {!isScatter && choose("Along", shape.x[0], names, (x) => ({ ...view, x }))}
      {choose(
        "Apart",
        shape.series,
        names.filter((name) => name !== shape.x[0]),
        (series) => (series ? { ...view, series } : without(view)),
        shape.chart === "heat" ? undefined : "nothing",
      )}
      {choose(isScatter ? "Along" : "Figure", shape.y[0], numbers, (y) => ({
        ...view,
        y: isScatter ? [y, ...shape.y.slice(1)] : [y],
      }))}
      {isScatter && choose("Figure", shape.y[1], numbers, (y) => ({ ...view, y: [shape.y[0]!, y] }))}
    </>
  );
}
