import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useWidth } from "./width.ts";

interface CanvasProps {
  readonly laid: { readonly width: number; readonly height: number };
  /** What is in the middle at first. */
  readonly focus: { readonly x: number; readonly y: number } | undefined;
  readonly children: ComponentChildren;
}

/** What would be smaller cannot be read: a graph that is wider begins as large as it is, and scrolls. */
const SMALLEST = 0.7;
const STEP = 1.25;
const [LEAST, MOST] = [0.1, 2];

/** A graph that is moved by hand, by scrolling and by the arrow keys, and is made larger and smaller by buttons, + and -, and the wheel with Ctrl. */
export function Canvas({ laid: { width, height }, focus, children }: CanvasProps) {
  const frame = useRef<HTMLDivElement>(null);
  const room = useWidth(frame, 0);
  const [chosen, setChosen] = useState<number>();
  const fitting = room > 0 && width > room ? room / width : 1;
  const scale = chosen ?? (fitting >= SMALLEST ? fitting : 1);
  // What is in the middle stays there when the scale changes; at first that is what is asked about.
  const middle = useRef(focus);
  const seen = useRef(focus);
  if (seen.current?.x !== focus?.x || seen.current?.y !== focus?.y) {
    seen.current = focus;
    middle.current = focus;
  }
  useLayoutEffect(() => {
    const { current } = frame;
    if (!current || !middle.current) return;
    current.scrollLeft = middle.current.x * scale - current.clientWidth / 2;
    current.scrollTop = middle.current.y * scale - current.clientHeight / 2;
  }, [focus?.x, focus?.y, scale]);
  const zoom = (to: number | undefined) => {
    const { current } = frame;
    if (current)
      middle.current = {
        x: (current.scrollLeft + current.clientWidth / 2) / scale,
        y: (current.scrollTop + current.clientHeight / 2) / scale,
      };
    setChosen(to === undefined ? undefined : Math.min(MOST, Math.max(LEAST, to)));
  };
  const whole = () => {
    const { current } = frame;
    if (current) zoom(Math.min(1, current.clientWidth / width, current.clientHeight / height));
  };
  const byKey: Readonly<Record<string, () => void>> = {
    "+": () => zoom(scale * STEP),
    "=": () => zoom(scale * STEP),
    "-": () => zoom(scale / STEP),
    "0": whole,
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(byKey, event.key)) return;
    event.preventDefault();
    byKey[event.key]!();
  };
  const onWheel = (event: WheelEvent) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(scale * (event.deltaY < 0 ? 1.1 : 1 / 1.1));
  };
  return (
    <div>
      <div
        class="graph"
        ref={frame}
        role="region"
        aria-label="Graph"
        tabIndex={0}
        onKeyDown={onKeyDown}
        onWheel={onWheel}
        onPointerDown={drag}
      >
        <svg
          width={Math.max(width * scale, 1)}
          height={Math.max(height * scale, 1)}
          viewBox={`0 0 ${Math.max(width, 1)} ${Math.max(height, 1)}`}
        >
          {children}
        </svg>
      </div>
      <fieldset class="zoom" aria-label="Size of the graph">
        <button type="button" aria-label="Smaller" title="Smaller (-)" onClick={() => zoom(scale / STEP)}>
          −
        </button>
        <button type="button" title="As large as it is drawn" onClick={() => zoom(1)}>
          {Math.round(scale * 100)} %
        </button>
        <button type="button" aria-label="Larger" title="Larger (+)" onClick={() => zoom(scale * STEP)}>
          +
        </button>
        <button type="button" title="All of it (0)" onClick={whole}>
          whole
        </button>
      </fieldset>
    </div>
  );
}

/** Pixels that a hand may tremble. */
const TREMBLE = 4;

/** A mouse moves what it holds; a finger scrolls by itself. A box that was held is not followed. */
function drag(event: PointerEvent): void {
  const frame = event.currentTarget as HTMLElement;
  if (event.pointerType !== "mouse" || event.button !== 0) return;
  const begin = { x: event.clientX, y: event.clientY, left: frame.scrollLeft, top: frame.scrollTop };
  let isMoved = false;
  const move = ({ clientX, clientY }: PointerEvent) => {
    const [x, y] = [clientX - begin.x, clientY - begin.y];
    isMoved ||= Math.hypot(x, y) > TREMBLE;
    if (!isMoved) return;
    frame.classList.add("held");
    frame.scrollLeft = begin.left - x;
    frame.scrollTop = begin.top - y;
  };
  const stay = (click: MouseEvent) => {
    if (!isMoved) return;
    click.preventDefault();
    click.stopPropagation();
  };
  const end = () => {
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", end);
    removeEventListener("pointercancel", end);
    frame.classList.remove("held");
    // The click that this ends with comes after it.
    requestAnimationFrame(() => frame.removeEventListener("click", stay, true));
  };
  frame.addEventListener("click", stay, true);
  addEventListener("pointermove", move);
  addEventListener("pointerup", end);
  addEventListener("pointercancel", end);
}
