import { at, DAYS, dayOf } from "./calendar.ts";
import { byUpdate, CAMPAIGNS, type Campaign, campaignId } from "./campaigns.ts";
import { planted } from "./planted.ts";
import { randomFor } from "./random.ts";

export interface Creative {
  readonly id: string;
  readonly campaign_id: string;
  readonly name: string;
  readonly format: string;
  readonly landing_url: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly deleted: boolean;
}

const CREATIVES = 320;

const formats = ["image", "video", "carousel", "text"];
const headlines = ["Free Delivery", "Save 20 %", "New Arrivals", "Last Chance", "Try It Free", "Größe M wieder da"];

/** "cre-00001" for 1. */
function creativeId(number: number): string {
  return `cre-${String(number).padStart(5, "0")}`;
}

/** Every change of every creative, oldest first. One record lacks its name (see `planted`). */
export function creativeChanges(seed: number, campaigns: readonly Campaign[]): Creative[] {
  const born = new Map<string, number>();
  for (const change of campaigns) if (!born.has(change.id)) born.set(change.id, dayOf(change.created_at));
  const changes: Creative[] = [];
  for (let number = 1; number <= CREATIVES; number++) changes.push(...changesOf(seed, number, born));
  return changes.sort(byUpdate);
}

function changesOf(seed: number, number: number, born: ReadonlyMap<string, number>): Creative[] {
  const id = creativeId(number);
  const random = randomFor(seed, id);
  const campaign = campaignId(((number - 1) % CAMPAIGNS) + 1);
  const startDay = firstDayOf(number, born.get(campaign)!, random());
  const format = formats[number % formats.length]!;
  const first: Creative = {
    id,
    campaign_id: campaign,
    name: `${headlines[number % headlines.length]} ${format} ${String(number).padStart(3, "0")}`,
    format,
    landing_url: `https://shop.example/${campaign}/${format}?ad=${id}`,
    created_at: at(startDay, "10:00:00"),
    updated_at: at(startDay, "10:00:00"),
    deleted: false,
  };
  const edits = [...plantedEdits(id, campaign)];
  const editDay = Math.max(startDay, 0) + 5 + Math.floor(random() * 60);
  if (edits.length === 0 && random() < 0.3 && editDay < DAYS) {
    edits.push({
      updated_at: at(editDay, "16:45:00"),
      name: `${first.name} B`,
      landing_url: `${first.landing_url}&v=2`,
    });
  }
  const changes = [first];
  for (const edit of edits) changes.push({ ...changes.at(-1)!, ...edit });
  return changes.map(breakPlanted);
}

/** Two in three exist before the first day, as far as their campaign does. */
function firstDayOf(number: number, campaignBorn: number, random: number): number {
  if (creativeId(number) === planted.newCreative.id) return Math.max(campaignBorn, 0) + 12;
  const inside = number > 20 && number % 3 === 2 && !isPlanted(creativeId(number));
  if (inside) return Math.max(campaignBorn, 0) + 1 + Math.floor(random * 40);
  return campaignBorn + Math.floor(random * 5);
}

const plantedText = JSON.stringify(planted);

/** Whether a case of `planted` names this creative. */
export function isPlanted(id: string): boolean {
  return plantedText.includes(id);
}

type Edit = Partial<Creative> & { readonly updated_at: string };

function plantedEdits(id: string, campaign: string): readonly Edit[] {
  const { movedCreative, deletedCampaign, brokenCreativeRecord } = planted;
  if (id === movedCreative.id) return [{ updated_at: movedCreative.at, campaign_id: movedCreative.to }];
  if (id === brokenCreativeRecord.id) return [{ updated_at: brokenCreativeRecord.at, name: "Lost Name" }];
  if (campaign === deletedCampaign.id) return [{ updated_at: deletedCampaign.at, deleted: true }];
  return [];
}

function breakPlanted(change: Creative): Creative {
  const { id, at: when } = planted.brokenCreativeRecord;
  if (change.id !== id || change.updated_at !== when) return change;
  const { name: _lost, ...rest } = change;
  return rest as Creative;
}
