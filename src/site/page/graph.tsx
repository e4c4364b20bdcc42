import { useMemo } from "preact/hooks";
import { clipped, widthOf } from "../../charts/widths.ts";
import type { SiteRelation } from "../../model/site.ts";
import { Canvas } from "./canvas.tsx";
import type { ColumnAt, ColumnEdge, ColumnPath } from "./column-path.ts";
import { fullName, useProject } from "./context.ts";
import { layOut, wayOf } from "./layout.ts";
import type { Neighbourhood } from "./neighbourhood.ts";
import { lineageHref } from "./route.ts";
import { counted, KINDS, STATES } from "./words.ts";

/** Boxes of a graph are as wide as the longest of their names, within these. */
const NARROWEST = 232;
const WIDEST = 380;
const HEIGHT = 46;
const ROW = 22;

/** Relations as boxes, what is read at the left of what reads it. */
export function RelationGraph({ part, middle, marked }: RelationGraphProps) {
  const { core } = useProject();
  const { laid, wide } = useMemo(() => {
    const wide = wideEnough(part.nodes.map((place) => core.relations[place]!));
    const boxes = part.nodes.map((place) => ({ id: String(place), width: wide, height: HEIGHT }));
    return {
      wide,
      laid: layOut(
        boxes,
        part.edges.map(([from, to]) => [String(from), String(to)] as const),
      ),
    };
  }, [part]);
  const at = (place: number) => laid.at.get(String(place))!;
  return (
    <Canvas laid={laid} focus={middle === undefined ? undefined : centre(at(middle), wide)}>
      <g class="edges">
        {part.edges.map(([from, to]) => (
          <path
            key={`${from}-${to}`}
            class={marked?.has(`${from} ${to}`) ? "slow" : from === middle || to === middle ? "near" : ""}
            d={way(
              { x: at(from).x + wide, y: at(from).y + HEIGHT / 2 },
              laid.past.get(wayOf(String(from), String(to))),
              { x: at(to).x, y: at(to).y + HEIGHT / 2 },
              wide,
            )}
          />
        ))}
      </g>
      {part.nodes.map((place) => {
        const { up, down } = part.hidden.get(place)!;
        const relation = core.relations[place]!;
        return (
          <a key={place} href={lineageHref(relation)} class={`node ${place === middle ? "middle" : ""}`}>
            <Box relation={relation} {...at(place)} width={wide} height={HEIGHT} />
            {up > 0 && <More x={at(place).x} y={at(place).y} text={`+${up}`} />}
            {down > 0 && <More x={at(place).x + wide} y={at(place).y} text={`+${down}`} />}
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
  const heightOf = (place: number) => {
    const rows = path.columns.get(place)!.length;
    return rows ? HEIGHT + rows * ROW + 6 : HEIGHT;
  };
  const { laid, wide } = useMemo(() => {
    const wide = wideEnough(places.map((place) => core.relations[place]!));
    const boxes = places.map((place) => ({ id: String(place), width: wide, height: heightOf(place) }));
    const edges = new Set(
      path.edges.filter(isDrawn).map(({ from, to }) => wayOf(String(from.place), String(to.place))),
    );
    return {
      wide,
      laid: layOut(
        boxes,
        [...edges].map((edge) => edge.split(" ") as [string, string]),
      ),
    };
  }, [path]);
  const at = (place: number) => laid.at.get(String(place))!;
  const yOf = ({ place, column }: ColumnAt) =>
    at(place).y +
    (column === undefined ? HEIGHT / 2 : HEIGHT + path.columns.get(place)!.indexOf(column) * ROW + ROW / 2);
  return (
    <Canvas laid={laid} focus={centre(at(start.place), wide)}>
      <g class="edges">
        {path.edges.filter(isDrawn).map(({ from, to, flow }) => (
          <path
            key={`${from.place} ${from.column} ${to.place} ${to.column}`}
            class={flow.includes("c") ? "copied" : flow.includes("x") ? "computed" : "deciding"}
            d={way(
              { x: at(from.place).x + wide, y: yOf(from) },
              laid.past.get(wayOf(String(from.place), String(to.place))),
              { x: at(to.place).x, y: yOf(to) },
              wide,
            )}
          >
            <title>{`${from.column} → ${to.column ?? core.relations[to.place]!.name}: ${flowWords(flow, to)}`}</title>
          </path>
        ))}
      </g>
      {places.map((place) => {
        const relation = core.relations[place]!;
        return (
          <g key={place} class={`node ${place === start.place ? "middle" : ""}`}>
            <a href={lineageHref(relation)}>
              <Box relation={relation} {...at(place)} width={wide} height={heightOf(place)} />
            </a>
            {path.columns.get(place)!.map((column) => (
              <a
                key={column}
                href={lineageHref(relation, { column })}
                class={`column ${place === start.place && column === start.column ? "chosen" : ""}`}
              >
                <rect x={at(place).x + 4} y={yOf({ place, column }) - ROW / 2} width={wide - 8} height={ROW} rx="4" />
                <text x={at(place).x + 14} y={yOf({ place, column }) + 4}>
                  {clipped(column, wide - 26, 12.5)}
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

/** How a column gets to where a way leads. */
export function flowWords(flow: string, to: ColumnAt): string {
  const isWhole = to.column === undefined;
  const words = [
    ...(flow.includes("c") ? [isWhole ? "shown" : "copied"] : []),
    ...(flow.includes("x") ? [isWhole ? "shown computed" : "computed"] : []),
    ...(flow.includes("r") ? [isWhole ? "decides which rows there are" : "decides which value or row"] : []),
    ...(flow.includes("w") ? ["as part of the whole row"] : []),
  ];
  return words.join(", ");
}

function Box({ relation, x, y, width, height }: BoxProps) {
  const { tone } = STATES[relation.state];
  const isBad = relation.failing > 0 || tone === "bad";
  return (
    <g class={`box kind-${relation.kind} ${isBad ? "bad" : tone === "notice" ? "notice" : ""}`}>
      <title>{described(relation)}</title>
      <rect class="frame" x={x} y={y} width={width} height={height} rx="7" />
      <rect class="stripe" x={x} y={y + 7} width="4" height={height - 14} />
      <text class="of-schema" x={x + 14} y={y + 17}>
        {clipped(relation.schema, width - 24, 11.5)}
      </text>
      <text class="node-name" x={x + 14} y={y + 35}>
        {clipped(relation.name, width - 24, 13, true)}
      </text>
    </g>
  );
}

interface BoxProps {
  readonly relation: SiteRelation;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** How many there are besides, at the corner of a box. */
function More({ x, y, text }: { readonly x: number; readonly y: number; readonly text: string }) {
  const width = 12 + text.length * 7;
  return (
    <g class="more">
      <rect x={x - width / 2} y={y - 9} width={width} height="18" rx="9" />
      <text x={x} y={y + 4} text-anchor="middle">
        {text}
      </text>
    </g>
  );
}

function described(relation: SiteRelation): string {
  const words = [KINDS[relation.kind].one, STATES[relation.state].word].filter(Boolean).join(", ");
  return `${fullName(relation)} (${words})${relation.failing ? `, ${counted(relation.failing, "test")} failing` : ""}`;
}

function wideEnough(relations: readonly SiteRelation[]): number {
  const longest = Math.max(0, ...relations.map(({ name }) => widthOf(name, 13, true)));
  return Math.min(WIDEST, Math.max(NARROWEST, Math.ceil(longest) + 28));
}

interface Point {
  readonly x: number;
  readonly y: number;
}

const centre = ({ x, y }: Point, wide: number): Point => ({ x: x + wide / 2, y: y + HEIGHT / 2 });

/** From a box to a box; past what stands between them it goes straight, as far as a box is wide. */
function way(from: Point, past: readonly Point[] = [], to: Point, wide: number): string {
  let path = `M${from.x} ${from.y}`;
  let at = from;
  for (const { x, y } of past) {
    path += `${curve(at, { x: x - wide / 2, y })}H${x + wide / 2}`;
    at = { x: x + wide / 2, y };
  }
  return path + curve(at, to);
}

function curve(from: Point, to: Point): string {
  const bend = Math.max(24, Math.abs(to.x - from.x) / 2);
  return `C${from.x + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`;
}
