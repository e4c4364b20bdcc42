import { isDay } from "../../charts/days.ts";
import { chosenOf } from "../../charts/figures.ts";
import type { Choice, DashboardFilter, DatesChoice, ValuesChoice } from "../../model/dashboard.ts";

/**
 * What a reader has chosen, as it stands in the address: `f.<column>` is `from..to` of days, or a value each. What is as it is at
 * first does not stand there.
 */
export function choiceIn(query: URLSearchParams, filters: readonly DashboardFilter[]): Choice {
  const chosen = filters.flatMap((filter): [string, DatesChoice | ValuesChoice][] => {
    const said = query.getAll(`f.${filter.column}`);
    if (!said.length) return [];
    if (filter.kind === "values") return [[filter.column, { values: said.filter((one) => one !== "") }]];
    const [from = "", to = ""] = said[0]!.split("..");
    return [[filter.column, { from: day(from), to: day(to) }]];
  });
  return Object.fromEntries(chosen);
}

const day = (text: string): string | null => (isDay(text) ? text : null);

/** The address with another choice of one filter. */
export function withChoice(
  query: URLSearchParams,
  filter: DashboardFilter,
  chosen: DatesChoice | ValuesChoice,
): URLSearchParams {
  const changed = new URLSearchParams(query);
  const name = `f.${filter.column}`;
  changed.delete(name);
  if (JSON.stringify(chosen) === JSON.stringify(chosenOf(filter, {}))) return changed;
  if ("from" in chosen) changed.set(name, `${chosen.from ?? ""}..${chosen.to ?? ""}`);
  else if (chosen.values.length) for (const value of chosen.values) changed.append(name, value);
  else changed.set(name, "");
  return changed;
}

/** What the address chooses and cannot be chosen: filters that the dashboard has not, days that are none. In words. */
export function notChosen(query: URLSearchParams, filters: readonly DashboardFilter[]): readonly string[] {
  return [...query].flatMap(([name, said]) => {
    if (!name.startsWith("f.")) return [];
    const filter = filters.find(({ column }) => `f.${column}` === name);
    if (!filter) return [`filter “${name.slice(2)}”`];
    if (filter.kind === "values") return [];
    return said.split("..").flatMap((text) => (text === "" || isDay(text) ? [] : [`day “${text}”`]));
  });
}
