import { UserError, UserErrors } from "../model/errors.ts";
import type { SiteDetail, SiteRelation, SiteRelease, SiteTest } from "../model/site.ts";

/** The project, which says what relations are, cannot be read as it is now: nobody's mistake who asks about it. */
export class ProjectBroken extends UserErrors {}

/** Releases are published faster than something of one can be read. */
export class TooManyReleases extends UserError {}

/** What the project and the database say of the relations of one release. It holds no value of any row. */
export interface Catalogue {
  readonly environment: string;
  /** Absent where nothing is published yet. */
  readonly release?: SiteRelease;
  readonly relations: readonly Known[];
}

/** A relation, whoever may read it. */
export interface Known {
  /** `schema.name` */
  readonly key: string;
  readonly relation: Omit<SiteRelation, "reads" | "part">;
  readonly detail: Pick<SiteDetail, "description" | "file" | "columns" | "facts" | "endpoints" | "unitTests">;
  readonly tests: readonly KnownTest[];
  /** What it reads, and what reads it, by `schema.name`. */
  readonly reads: readonly string[];
  readonly readBy: readonly string[];
}

interface KnownTest extends Pick<SiteTest, "name" | "file" | "description" | "verdict" | "rows"> {
  /** All that its query reads. */
  readonly reads: readonly string[];
}

/** Columns that somebody may read, by the relation's `schema.name`. What has no entry is not for them. */
export type Readable = ReadonlyMap<string, ReadonlySet<string>>;

/** The part of it that somebody may read: of what they may not even the name is left. Pure. */
export function visible({ relations, ...of }: Catalogue, readable: Readable): Catalogue {
  const isSeen = (key: string) => readable.has(key);
  return {
    ...of,
    relations: relations.flatMap((known): Known[] => {
      const columns = readable.get(known.key);
      if (!columns) return [];
      const places = [...known.relation.columns.keys()].filter((at) => columns.has(known.relation.columns[at]![0]));
      const at = <T>(all: readonly T[]) => places.map((place) => all[place]!);
      return [
        {
          ...known,
          relation: { ...known.relation, columns: at(known.relation.columns) },
          detail: { ...known.detail, columns: at(known.detail.columns) },
          tests: known.tests.filter(({ reads }) => reads.every(isSeen)),
          reads: known.reads.filter(isSeen),
          readBy: known.readBy.filter(isSeen),
        },
      ];
    }),
  };
}
