import type { Figures } from "../../charts/figures.ts";
import type { PanelData } from "../../model/dashboard.ts";
import { loadScript } from "./parts.ts";

/** A chart that is drawn again in its place: with other figures, in other colours, and by itself when its size changes. */
export interface Drawn {
  show(panel: PanelData, figures: Figures, isDark: boolean): void;
  remove(): void;
}

export type DrawChart = (element: HTMLElement) => Drawn;

declare global {
  var dataformDraw: DrawChart | undefined;
}

export async function loadDrawing(): Promise<DrawChart> {
  await loadScript("charts.js");
  return globalThis.dataformDraw!;
}
