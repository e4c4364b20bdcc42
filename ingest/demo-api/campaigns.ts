import { at, DAYS } from "./calendar.ts";
import { planted } from "./planted.ts";
import { between, randomFor } from "./random.ts";

export interface Campaign {
  readonly id: string;
  readonly name: string;
  readonly status: "active" | "paused" | "removed";
  readonly objective: string;
  readonly currency: "USD" | "EUR";
  /** Decimal text: money is never a float. */
  readonly daily_budget: string;
  readonly time_zone: string;
  readonly account_id: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly deleted: boolean;
}

export const CAMPAIGNS = 48;

const seasons = ["Spring Sale", "New Year", "Brand Search", "Retargeting", "Newsletter", "App Install"];
const channels = ["Search", "Display", "Video", "Social"];
const objectives = ["sales", "leads", "traffic", "awareness"];

/** "cmp-0001" for 1. */
export function campaignId(number: number): string {
  return `cmp-${String(number).padStart(4, "0")}`;
}

/** Every change of every campaign, oldest first. */
export function campaignChanges(seed: number): Campaign[] {
  const changes: Campaign[] = [];
  for (let number = 1; number <= CAMPAIGNS; number++) changes.push(...changesOf(seed, number));
  return changes.sort(byUpdate);
}

/** Orders a change feed: by time, then by id, so that ties have one order too. */
export function byUpdate(a: { updated_at: string; id: string }, b: { updated_at: string; id: string }): number {
  return compare(a.updated_at, b.updated_at) || compare(a.id, b.id);
}

/** Code unit order, the same in every locale. */
export function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function changesOf(seed: number, number: number): Campaign[] {
  const id = campaignId(number);
  const random = randomFor(seed, id);
  // Every fourth campaign starts inside the window; the planted ones are older than it.
  const startDay = number % 4 === 0 ? 5 + Math.floor(random() * 40) : -Math.floor(between(random, 20, 300));
  const euro = number % 3 === 1;
  const first: Campaign = {
    id,
    name: `${seasons[number % seasons.length]} ${channels[number % channels.length]} ${String(number).padStart(2, "0")}`,
    status: "active",
    objective: objectives[number % objectives.length]!,
    currency: euro ? "EUR" : "USD",
    daily_budget: money(Math.floor(between(random, 4, 60)) * 500),
    time_zone: "UTC",
    account_id: euro ? "acc-eu-01" : `acc-us-0${1 + (number % 2)}`,
    created_at: at(startDay, "08:00:00"),
    updated_at: at(startDay, "08:00:00"),
    deleted: false,
  };
  const edits = [...plantedEdits(id)];
  if (edits.length === 0) {
    for (let day = Math.max(startDay, 0) + 10; day < DAYS; day += 15 + Math.floor(random() * 40)) {
      edits.push({ updated_at: at(day, "13:30:00"), daily_budget: money(Math.floor(between(random, 4, 60)) * 500) });
    }
  }
  const changes = [first];
  for (const edit of edits) changes.push({ ...changes.at(-1)!, ...edit });
  return changes;
}

type Edit = Partial<Campaign> & { readonly updated_at: string };

function plantedEdits(id: string): readonly Edit[] {
  const { renamedCampaign, pausedCampaign, deletedCampaign } = planted;
  if (id === renamedCampaign.id) return [{ updated_at: renamedCampaign.at, name: renamedCampaign.to }];
  if (id === pausedCampaign.id) {
    const renames = pausedCampaign.renames.map((rename) => ({ updated_at: rename.at, name: rename.to }));
    return [{ updated_at: pausedCampaign.pausedAt, status: "paused" }, ...renames];
  }
  if (id === deletedCampaign.id) return [{ updated_at: deletedCampaign.at, status: "removed", deleted: true }];
  return [];
}

/** Cents as decimal text with two places. */
export function money(cents: number): string {
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
}
