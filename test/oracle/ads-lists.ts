// What networks list of an account, from docs/products/ads.md (names) and docs/history.md (full batches): campaigns, ad groups and
// ads, in every version and as they are now.

import { type Kind, NETWORKS, type Network, UNKNOWN } from "./ads-networks.ts";
import { closes, type Line, loaded } from "./ads-reports.ts";
import { type Change, type Version, versionsOf } from "./changes.ts";
import { count, written } from "./exact.ts";
import { type Cell, type Expected, grouped, type Raw, type Row } from "./relation.ts";

const IDS: Readonly<Record<Kind, readonly string[]>> = {
  campaigns: ["campaign_id"],
  ad_groups: ["ad_group_id"],
  ads: ["creative_id", "ad_group_id"],
};
const NAMES = { campaigns: "campaign_name", ad_groups: "ad_group_name", ads: "creative_name" } as const;
const TABLES = { campaigns: "ads_campaigns", ad_groups: "ads_ad_groups", ads: "ads_creatives" } as const;
const KINDS: readonly Kind[] = ["campaigns", "ad_groups", "ads"];

interface Entity {
  readonly platform: string;
  readonly ids: Row;
  readonly versions: readonly Version[];
}

export interface Lists {
  /** The name of what a line is about, now and at the end of its day, and whether it is gone. */
  names(kind: Kind, line: Line): { readonly now: string; readonly asWas: string; readonly isDeleted: boolean };
  /** Every version, and all as they are now; those that only these figures know, too. */
  relations(lines: readonly Line[], adLines: readonly Line[]): Readonly<Record<string, Expected>>;
}

export function listsOf(raw: Raw): Lists {
  const all = new Map(KINDS.map((kind) => [kind, NETWORKS.flatMap((network) => entitiesOf(raw, network, kind))]));
  const placeOf = (kind: Kind, { network, said }: Line) =>
    place(kind, network.platform, { campaign_id: said.campaign, ...said.ad });
  const found = new Map(
    KINDS.flatMap((kind) => all.get(kind)!.map((one) => [place(kind, one.platform, one.ids), one] as const)),
  );
  return {
    names(kind, line) {
      const versions = found.get(placeOf(kind, line))?.versions;
      if (!versions) return { now: UNKNOWN, asWas: UNKNOWN, isDeleted: false };
      const end = closes(raw, line.network, line.said.day);
      const name = ({ change }: Version) => change.says[NAMES[kind]]!;
      return {
        now: name(versions.at(-1)!),
        asWas: name(versions.findLast(({ from }) => from <= end) ?? versions[0]!),
        isDeleted: versions.at(-1)!.till !== null,
      };
    },
    relations: (lines, adLines) =>
      Object.fromEntries(
        KINDS.flatMap((kind): [string, Expected][] => {
          const figures = kind === "campaigns" ? [...lines, ...adLines] : adLines;
          const unlisted = figures.filter((line) => !found.has(placeOf(kind, line)));
          const key = ["platform", ...IDS[kind]];
          const listed = all.get(kind)!;
          return [
            [
              `ads_history.${TABLES[kind]}`,
              { key: [...key, "version_no"], without: ["change_hash"], rows: listed.flatMap(versionRows) },
            ],
            [
              `ads_history.dim_${TABLES[kind]}`,
              {
                key,
                rows: [
                  ...listed.map(nowRow),
                  ...grouped(unlisted, (line) => placeOf(kind, line)).map(([line]) => unknownRow(kind, line!)),
                ],
              },
            ],
          ];
        }),
      ),
  };
}

const place = (kind: Kind, platform: string, of: Row) =>
  JSON.stringify([kind, platform, ...IDS[kind].map((id) => of[id])]);

/** What full lists said; one with rejects says of nothing that it is gone. */
function entitiesOf(raw: Raw, network: Network, kind: Kind): Entity[] {
  const table = `ads_${network.platform}_${kind}`;
  const lists = loaded(raw, table)
    .map(({ load, at }) => ({
      ...{ at, load: load.load_id!, isWhole: load.rejected === "0" },
      rows: raw[table]!.filter((row) => row._load_id === load.load_id).map((row) => ({
        ...{ row: row._row_no!, says: network.listed(kind, row) },
      })),
    }))
    .filter(({ rows }) => rows.length);
  const idOf = (says: Row) => place(kind, network.platform, says);
  const told = grouped(
    lists.flatMap(({ rows }) => rows),
    ({ says }) => idOf(says),
  );
  return told.map((own) => {
    const { says: first } = own[0]!;
    const changes = lists.flatMap(({ at, load, isWhole, rows }): Change[] => {
      const said = rows.findLast(({ says }) => idOf(says) === idOf(first));
      if (said) return [{ at, load, row: said.row, isDeleted: false, says: said.says as Change["says"] }];
      return isWhole ? [{ at, load, row: "0", isDeleted: true, says: {} }] : [];
    });
    const ids = Object.fromEntries(IDS[kind].map((id): [string, Cell] => [id, first[id]!]));
    return { platform: network.platform, ids, versions: versionsOf(changes) };
  });
}

const versionRows = ({ platform, versions }: Entity): Row[] =>
  versions.map(({ from, till, endedBy, change }, index) => ({
    ...{ platform, ...change.says, version_no: count(index + 1) },
    ...{ valid_from: written(from), valid_to: till === null ? null : written(till), is_current: till === null },
    ...{ ended_by: endedBy, _load_id: change.load, _row_no: change.row },
    valid_from_for_join: index === 0 ? "-infinity" : written(from),
  }));

function nowRow({ platform, versions }: Entity): Row {
  const { change, till } = versions.at(-1)!;
  return { platform, ...change.says, is_deleted: till !== null, is_unknown: false };
}

/** Of what only figures know nothing else is told. */
function unknownRow(kind: Kind, { network, said }: Line): Row {
  const row: Record<string, Cell> = { platform: network.platform, account_id: null, status: null };
  if (kind === "campaigns") row.campaign_id = said.campaign;
  else Object.assign(row, { campaign_id: null, ad_group_id: said.ad.ad_group_id });
  if (kind === "ads") Object.assign(row, { creative_id: said.ad.creative_id, landing_url: null });
  return { ...row, [NAMES[kind]]: UNKNOWN, is_deleted: false, is_unknown: true };
}
