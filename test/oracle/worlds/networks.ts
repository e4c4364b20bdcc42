import { adsWorld } from "./ads.ts";
import { marketingWorld } from "./marketing.ts";
import type { Choose, Event, World } from "./world.ts";

/** Networks and marketing at once. Loads are struck by their place: here none is. */
export function networksWorld(choose: Choose, days: number): World {
  const [one, other] = [adsWorld(choose, days), marketingWorld(choose, days)];
  const isKept = (event: Event) => !("strike" in event || "undo" in event);
  return {
    tables: { ...one.tables, ...other.tables },
    days: one.days.map((events, day) => [...events, ...other.days[day]!].filter(isKept)),
  };
}
