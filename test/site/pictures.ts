import { join } from "node:path";
import { root } from "../docs/markdown.ts";

/** Where docs/site.md has its pictures from. `npm run site:pictures` makes them anew. */
export const FOLDER = join(root, "docs/pictures");

/** A picture of each kind of page, of the product that `npm start` shows; of questions as a server shows it. */
export const PICTURES = [
  { name: "overview", section: "Overview", address: "#/" },
  { name: "answers", section: "Answers", address: "#/dashboard/marketing" },
  {
    name: "explore",
    section: "Explore",
    address:
      "#/explore?from=marketing%2Fcampaign_device_daily&by=week%3Aday&by=%3Acurrency&figure=sum%3Aspend&chart=line",
  },
  { name: "catalogue", section: "Catalogue", address: "#/relation/marketing/spend_per_conversion" },
  { name: "lineage", section: "Lineage", address: "#/lineage/1+history.creative_totals+1" },
  {
    name: "columns",
    section: "Lineage",
    address: "#/lineage/marketing/spend_per_conversion?column=spend_per_conversion",
  },
  { name: "operations", section: "Operations", address: "#/operations/runs" },
  { name: "schedule", section: "Operations", address: "#/operations/schedule" },
] as const;

/** Pixels of the window, and of the picture for each: a page of documentation is narrower. */
export const SIZE = { width: 1360, height: 850, scale: 0.7 };
