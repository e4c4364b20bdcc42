import type { Figures } from "../../charts/figures.ts";
import type { PanelData } from "../../model/dashboard.ts";
import { loadScript } from "./parts.ts";

/** Draws a panel into an element, and again when its size changes. Returns what takes it away. */
export type DrawChart = (element: HTMLElement, panel: PanelData, figures: Figures, isDark: boolean) => () => void;

declare global {
  var dataformDraw: DrawChart | undefined;
}

export async function loadDrawing(): Promise<DrawChart> {
  await loadScript("charts.js");
  return globalThis.dataformDraw!;
}
