import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type FigureRow, type Figures, figuresOf } from "../../charts/figures.ts";
import { beginTold, comparedTold } from "../../charts/period-before.ts";
import { heightOf } from "../../charts/room.ts";
import { type ShownFigure, shown, shownFigure } from "../../charts/shown.ts";
import { compareNumbers, difference, quotientOf } from "../../charts/sums.ts";
import { tableOf } from "../../charts/table.ts";
import type { Choice, DashboardData, Measure, PanelData } from "../../model/dashboard.ts";
import { csv, download } from "./csv.ts";
import { type Drawn, loadDrawing } from "./draw-chart.ts";
import { Markdown } from "./markdown.tsx";
import { Empty } from "./pieces.tsx";
import { Table } from "./table.tsx";
import { isDark } from "./theme.ts";
import { WholeDays } from "./whole-days.tsx";

interface PanelProps {
  readonly dashboard: DashboardData;
  readonly panel: PanelData;
  readonly choice: Choice;
  readonly place: number;
}

/** One answer: a chart, a number or a table, and beside a chart the same figures as a table. */
export function Panel({ dashboard, panel, choice, place }: PanelProps) {
  const figures = useMemo(() => figuresOf(panel, dashboard.filters, choice), [panel, dashboard.filters, choice]);
  const [asTable, setAsTable] = useState(false);
  const isChart = panel.chart !== "number" && panel.chart !== "table";
  const id = `panel-${place}`;
  return (
    <section class={`panel width-${panel.width}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{panel.title}</h2>
        <span class="panel-tools">
          {isChart && figures.rows.length > 0 && (
            <button type="button" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
              {asTable ? "chart" : "table"}
            </button>
          )}
          {figures.rows.length > 0 && panel.chart !== "number" && (
            <button
              type="button"
              onClick={() => handOut(dashboard, panel, figures)}
              aria-label={`CSV of ${panel.title}`}
            >
              CSV
            </button>
          )}
        </span>
      </header>
      {panel.text && <Markdown text={panel.text} />}
      {panel.cut && (
        <p class="failure">
          There are more rows than a page holds, so that its sums would be wrong: give the panel a <code>where</code> or
          a coarser mart.
        </p>
      )}
      {panel.absent ? (
        <Empty>{`${panel.absent.join(", ")} ${panel.absent.length === 1 ? "is" : "are"} not published yet.`}</Empty>
      ) : panel.problem ? (
        <p class="failure">
          {[panel.problem.message, panel.problem.found, panel.problem.hint].filter(Boolean).join(". ")}
        </p>
      ) : figures.rows.length === 0 ? (
        <Empty>{panel.rows.length ? "No row for what is chosen." : "No rows: there is nothing of the kind."}</Empty>
      ) : panel.chart === "number" ? (
        <Numbers panel={panel} figures={figures} />
      ) : panel.chart === "table" || asTable ? (
        <FigureTable panel={panel} figures={figures} />
      ) : (
        <Chart panel={panel} figures={figures} />
      )}
      {figures.rows.length > 0 && (figures.compared || figures.begin) && (
        <p class="note compared">
          <WholeDays text={figures.compared ? comparedTold(figures.compared) : beginTold(figures.begin!)} />
        </p>
      )}
      {figures.more > 0 && <p class="note">and {figures.more} more, not shown</p>}
    </section>
  );
}

/** As high as its neighbours are. */
const LOWEST = 300;

function Chart({ panel, figures }: { readonly panel: PanelData; readonly figures: Figures }) {
  const element = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn | undefined>(undefined);
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    let isWanted = true;
    const draw = () =>
      loadDrawing().then(
        (drawing) => {
          if (!isWanted || !element.current) return;
          drawn.current ??= drawing(element.current);
          drawn.current.show(panel, figures, isDark());
        },
        (error: Error) => setFailure(error.message),
      );
    void draw();
    const system = matchMedia("(prefers-color-scheme: dark)");
    const paper = matchMedia("print");
    system.addEventListener("change", draw);
    paper.addEventListener("change", draw);
    addEventListener("themechange", draw);
    return () => {
      isWanted = false;
      system.removeEventListener("change", draw);
      paper.removeEventListener("change", draw);
      removeEventListener("themechange", draw);
    };
  }, [panel, figures]);
  useEffect(() => () => drawn.current?.remove(), []);
  if (failure) return <p class="failure">{failure}</p>;
  return (
    <div class={`chart chart-${panel.chart}`} style={{ minHeight: `${heightOf(panel, figures, LOWEST)}px` }}>
      <div class="drawing" ref={element} />
    </div>
  );
}

function Numbers({ panel, figures }: { readonly panel: PanelData; readonly figures: Figures }) {
  return (
    <div class="numbers">
      {figures.rows.flatMap((row) =>
        panel.measures.map((measure, at) => (
          <p class="figure" key={`${measure.label} ${row.cells.join(" ")}`}>
            {(panel.measures.length > 1 || measure.label !== panel.title) && (
              <span class="figure-label">{measure.label}</span>
            )}
            <Figure {...shownFigure(row.values[at] ?? null, measure.format, row.cells)} />
            {row.previous && <Change measure={measure} row={row} at={at} />}
          </p>
        )),
      )}
    </div>
  );
}

/** As large as there is room for; its unit is smaller. */
function Figure({ figure, unit }: ShownFigure) {
  const signs = figure.length + (unit ? (unit.length + 1) * 0.62 : 0);
  const known = useRef({ figure, isNew: false });
  if (known.current.figure !== figure) known.current = { figure, isNew: true };
  return (
    <strong
      key={figure}
      class={known.current.isNew ? "changed" : undefined}
      style={{ "--signs": String(Math.max(6, signs)) }}
    >
      {figure}
      {unit && <span class="unit">{`\u00a0${unit}`}</span>}
    </strong>
  );
}

/** Against the period before: by how much of what it was then. */
function Change({ measure, row, at }: { readonly measure: Measure; readonly row: FigureRow; readonly at: number }) {
  const [now, before] = [row.values[at] ?? null, row.previous?.[at] ?? null];
  const change = difference(now, before);
  const share = quotientOf(change, before === null ? null : before.replace(/^-/, ""));
  if (before === null || change === null) return <span class="figure-change">nothing to compare with</span>;
  const direction = compareNumbers(change, "0");
  const sign = direction > 0 ? "+" : "";
  return (
    <span class="figure-change">
      {share === null
        ? `${sign}${shown(change, measure.format, row.cells)}`
        : `${sign}${shown(share, { kind: "percent", decimals: 1 })}`}{" "}
      <span class="of-schema">from {shown(before, measure.format, row.cells)}</span>
    </span>
  );
}

function FigureTable({ panel, figures }: { readonly panel: PanelData; readonly figures: Figures }) {
  const { heads, rows } = tableOf(panel, figures);
  const places = [...heads.keys()].filter((at) => !heads[at]!.isTold);
  return (
    <div class="figure-table">
      <Table
        caption={panel.title}
        rows={rows}
        columns={places.map((at) => ({
          title: heads[at]!.label,
          isNumber: heads[at]!.isFigure,
          isLong: rows.some((row) => row[at]!.shown.length > 40),
          cell: (row: (typeof rows)[number]) => row[at]!.shown,
        }))}
      />
    </div>
  );
}

/** Every digit, as the server wrote it. */
function handOut(dashboard: DashboardData, panel: PanelData, figures: Figures): void {
  const { heads, rows } = tableOf(panel, figures);
  const text = csv(
    heads.map(({ label, days }) => (days ? `${label} (${days.from} to ${days.to})` : label)),
    rows.map((row) => row.map((cell) => cell.text)),
  );
  const name = `${dashboard.name}-${panel.title}`.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "-");
  download(`${name}.csv`, text);
}
