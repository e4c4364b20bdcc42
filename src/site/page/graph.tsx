import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { SiteRelation } from "../../model/site.ts";
import type { ColumnAt, ColumnEdge, ColumnPath } from "./column-path.ts";
import { fullName, useProject } from "./context.ts";
import { layOut } from "./layout.ts";
import type { Neighbourhood } from "./neighbourhood.ts";
import { lineageHref } from "./route.ts";
import { useWidth } from "./width.ts";
import { KINDS, STATES } from "./words.ts";

const WIDTH = 232;
const HEIGHT = 46;
const ROW = 22;

/** Relations as boxes, what is read at the left of what reads it. */
export function RelationGraph({ part, middle, marked }: RelationGraphProps) {
  const { core } = useProject();
  const laid = useMemo(
    () =>
      layOut(
        part.nodes.map((place) => ({ id: String(place), width: WIDTH, height: HEIGHT })),
        part.edges.map(([from, to]) => [String(from), String(to)] as const),
      ),
    [part],
  );
  const at = (place: number) => laid.at.get(String(place))!;
  return (
    <Canvas width={laid.width} height={laid.height} focus={middle === undefined ? undefined : at(middle)}>
      <g class="edges">
        {part.edges.map(([from, to]) => (
          <path
            key={`${from}-${to}`}
            class={marked?.has(`${from} ${to}`) ? "slow" : from === middle || to === middle ? "near" : ""}
            d={curve(at(from).x + WIDTH, at(from).y + HEIGHT / 2, at(to).x, at(to).y + HEIGHT / 2)}
          />
        ))}
      </g>
      {part.nodes.map((place) => {
        const { up, down } = part.hidden.get(place)!;
        const relation = core.relations[place]!;
        return (
          <a key={place} href={lineageHref(relation)} class={`node ${place === middle ? "middle" : ""}`}>
            <Box relation={relation} {...at(place)} height={HEIGHT} />
            {up > 0 && <More x={at(place).x} y={at(place).y} text={`+${up}`} anchor="start" />}
            {down > 0 && <More x={at(place).x + WIDTH} y={at(place).y} text={`+${down}`} anchor="end" />}
          </a>
        );
      })}
    </Canvas>
  );
}

interface RelationGraphProps {
  readonly part: Neighbourhood;
  readonly middle: number | undefined;
  /** Edges that stand out, as "from to". */
  readonly marked?: ReadonlySet<string> | undefined;
}

/** The same with the columns that are on the way of one, and no others. */
export function ColumnGraph({ path, start }: { readonly path: ColumnPath; readonly start: ColumnAt }) {
  const { core } = useProject();
  const places = [...path.columns.keys()];
  const heightOf = (place: number) => HEIGHT + path.columns.get(place)!.length * ROW + 6;
  const laid = useMemo(
    () =>
      layOut(
        places.map((place) => ({ id: String(place), width: WIDTH, height: heightOf(place) })),
        [...new Set(path.edges.filter(isDrawn).map(({ from, to }) => `${from.place} ${to.place}`))].map(
          (edge) => edge.split(" ") as [string, string],
        ),
      ),
    [path],
  );
  const at = (place: number) => laid.at.get(String(place))!;
  const yOf = ({ place, column }: ColumnAt) =>
    at(place).y + HEIGHT + path.columns.get(place)!.indexOf(column) * ROW + ROW / 2;
  return (
    <Canvas width={laid.width} height={laid.height} focus={at(start.place)}>
      <g class="edges">
        {path.edges.filter(isDrawn).map(({ from, to, flow }) => (
          <path
            key={`${from.place} ${from.column} ${to.place} ${to.column}`}
            class={flow.includes("c") ? "copied" : flow.includes("x") ? "computed" : "deciding"}
            d={curve(at(from.place).x + WIDTH, yOf(from), at(to.place).x, yOf(to))}
          >
            <title>{`${from.column} → ${to.column}: ${flowWords(flow)}`}</title>
          </path>
        ))}
      </g>
      {places.map((place) => {
        const relation = core.relations[place]!;
        return (
          <g key={place} class={`node ${place === start.place ? "middle" : ""}`}>
            <a href={lineageHref(relation)}>
              <Box relation={relation} {...at(place)} height={heightOf(place)} />
            </a>
            {path.columns.get(place)!.map((column) => (
              <a
                key={column}
                href={lineageHref(relation, { column })}
                class={`column ${place === start.place && column === start.column ? "chosen" : ""}`}
              >
                <rect x={at(place).x + 4} y={yOf({ place, column }) - ROW / 2} width={WIDTH - 8} height={ROW} rx="4" />
                <text x={at(place).x + 14} y={yOf({ place, column }) + 4}>
                  {shortened(column, 32)}
                </text>
              </a>
            ))}
          </g>
        );
      })}
    </Canvas>
  );
}

/** What an incremental model takes of itself is in the table only. */
const isDrawn = ({ from, to }: ColumnEdge): boolean => from.place !== to.place;

export function flowWords(flow: string): string {
  const words = [
    ...(flow.includes("c") ? ["copied"] : []),
    ...(flow.includes("x") ? ["computed"] : []),
    ...(flow.includes("r") ? ["decides which value or row"] : []),
    ...(flow.includes("w") ? ["as part of the whole row"] : []),
  ];
  return words.join(", ");
}

const SMALLEST = 0.7;

/** Scrolls by itself, and begins with what is asked about in the middle. */
function Canvas({ width, height, focus, children }: CanvasProps) {
  const frame = useRef<HTMLDivElement>(null);
  const room = useWidth(frame, 0);
  // What is a little too wide is drawn smaller; what would be too small to read scrolls.
  const scale = room > 0 && width > room && room / width >= SMALLEST ? room / width : 1;
  useLayoutEffect(() => {
    const { current } = frame;
    if (!current || !focus) return;
    current.scrollLeft = (focus.x + WIDTH / 2) * scale - current.clientWidth / 2;
    current.scrollTop = (focus.y + HEIGHT / 2) * scale - current.clientHeight / 2;
  }, [focus?.x, focus?.y, scale]);
  return (
    <div class="graph" ref={frame} role="region" aria-label="Graph" tabIndex={0}>
      <svg
        width={Math.max(width * scale, 1)}
        height={Math.max(height * scale, 1)}
        viewBox={`0 0 ${Math.max(width, 1)} ${Math.max(height, 1)}`}
      >
        {children}
      </svg>
    </div>
  );
}

interface CanvasProps {
  readonly width: number;
  readonly height: number;
  readonly focus: { readonly x: number; readonly y: number } | undefined;
  readonly children: preact.ComponentChildren;
}

function Box({ relation, x, y, height }: { relation: SiteRelation; x: number; y: number; height: number }) {
  const { tone } = STATES[relation.state];
  const isBad = relation.failing > 0 || tone === "bad";
  return (
    <g class={`box kind-${relation.kind} ${isBad ? "bad" : tone === "notice" ? "notice" : ""}`}>
      <title>{described(relation)}</title>
      <rect class="frame" x={x} y={y} width={WIDTH} height={height} rx="7" />
      <rect class="stripe" x={x} y={y + 7} width="4" height={height - 14} />
      <text class="of-schema" x={x + 14} y={y + 17}>
        {shortened(relation.schema, 26)}
      </text>
      <text class="node-name" x={x + 14} y={y + 35}>
        {shortened(relation.name, 28)}
      </text>
    </g>
  );
}

function More({ x, y, text, anchor }: { x: number; y: number; text: string; anchor: "start" | "end" }) {
  const width = 12 + text.length * 7;
  const left = anchor === "start" ? x - width / 2 : x - width / 2;
  return (
    <g class="more">
      <rect x={left} y={y - 9} width={width} height="18" rx="9" />
      <text x={left + width / 2} y={y + 4} text-anchor="middle">
        {text}
      </text>
    </g>
  );
}

function described(relation: SiteRelation): string {
  const words = [KINDS[relation.kind].one, STATES[relation.state].word].filter(Boolean).join(", ");
  return `${fullName(relation)} (${words})${relation.failing ? `, ${relation.failing} tests failing` : ""}`;
}

function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function curve(x1: number, y1: number, x2: number, y2: number): string {
  const bend = Math.max(24, Math.abs(x2 - x1) / 2);
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}
