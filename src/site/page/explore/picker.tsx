import { type ExploreRelation, mixedCurrencies, type Picked } from "../../../model/explore.ts";
import { FIRST } from "../products.ts";
import { Conditions, Figures, Groups } from "./picker-lists.tsx";
import { Line } from "./picker-pieces.tsx";
import { expectedColumns, sortOf } from "./shape.ts";
import { LIMITS, type View } from "./view.ts";

interface PickerProps {
  readonly view: View;
  readonly relations: readonly ExploreRelation[];
  readonly change: (view: View) => void;
}

/** Picks a relation, what it is grouped by, its figures and which rows count. */
export function Picker({ view, relations, change }: PickerProps) {
  const { picked } = view;
  const relation =
    picked && relations.find((one) => one.schema === picked.from.schema && one.name === picked.from.name);
  const from = ({ schema, name }: ExploreRelation) =>
    change({ limit: view.limit, picked: { from: { schema, name }, groups: [], figures: [], where: [] } });
  // What is asked otherwise is sorted and shown as it suits.
  const pick = (changes: Partial<Picked>) => {
    const { chart: _, ...rest } = view;
    const { sort, ...others } = { ...picked!, ...changes };
    const isSame = changes.groups === undefined && changes.figures === undefined;
    change(isSame ? { ...view, picked: { ...others, ...(sort ? { sort } : {}) } } : { ...rest, picked: others });
  };
  return (
    <div class="picker">
      <Line label="From" id="pick-from">
        <select
          id="pick-from"
          value={picked ? relations.indexOf(relation!) : -1}
          onChange={({ currentTarget }) => from(relations[Number(currentTarget.value)]!)}
        >
          {!relation && <option value={-1}>choose a relation…</option>}
          {groupsOf(relations).map(([group, members]) => (
            <optgroup key={group} label={group}>
              {members.map((one) => (
                <option key={`${one.schema}.${one.name}`} value={relations.indexOf(one)}>
                  {one.schema}.{one.name}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
        {relation?.summary && <span class="note">{relation.summary}</span>}
      </Line>
      {picked && relation && (
        <>
          <Groups groups={picked.groups} columns={relation.columns} set={(groups) => pick({ groups })} />
          <Figures figures={picked.figures} columns={relation.columns} set={(figures) => pick({ figures })} />
          <Mixed picked={picked} relation={relation} pick={pick} />
          <Conditions where={picked.where} columns={relation.columns} set={(where) => pick({ where })} />
          <Sorted view={view} picked={picked} relation={relation} pick={pick} change={change} />
        </>
      )}
    </div>
  );
}

interface MixedProps {
  readonly picked: Picked;
  readonly relation: ExploreRelation;
  readonly pick: (changes: Partial<Picked>) => void;
}

/** Says that amounts in several currencies may be made one figure, and what keeps them apart. */
function Mixed({ picked, relation, pick }: MixedProps) {
  const columns = mixedCurrencies(picked, relation.columns);
  if (!columns.length) return null;
  return (
    <div class="pick-line" role="status">
      <span class="pick-label" />
      <div class="pick-parts">
        <span class="note">
          A figure here may be of amounts in several currencies.{" "}
          {columns.map((column) => (
            <button
              key={column}
              type="button"
              class="as-link"
              onClick={() => pick({ groups: [...picked.groups, { column }] })}
            >
              Group by {column}
            </button>
          ))}
        </span>
      </div>
    </div>
  );
}

/** By schema; what is meant for reading first. */
function groupsOf(relations: readonly ExploreRelation[]): readonly (readonly [string, readonly ExploreRelation[]])[] {
  const groups = new Map<string, ExploreRelation[]>();
  const rank = ({ group }: ExploreRelation) => (FIRST.includes(group) ? FIRST.indexOf(group) : FIRST.length);
  for (const one of [...relations].sort((a, b) => rank(a) - rank(b)))
    groups.set(one.group || one.schema, [...(groups.get(one.group || one.schema) ?? []), one]);
  return [...groups];
}

interface SortedProps {
  readonly view: View;
  readonly picked: Picked;
  readonly relation: ExploreRelation;
  readonly pick: (changes: Partial<Picked>) => void;
  readonly change: (view: View) => void;
}

function Sorted({ view, picked, relation, pick, change }: SortedProps) {
  const columns = expectedColumns(picked, relation);
  const sort = sortOf(picked, columns);
  const limits = [...new Set([...LIMITS, view.limit])].sort((a, b) => a - b);
  return (
    <Line label="First rows">
      <select
        aria-label="Sorted by"
        value={sort ? `${sort.descending ? "desc" : "asc"}:${sort.column}` : ""}
        onChange={({ currentTarget: { value } }) => {
          const [direction, ...name] = value.split(":");
          const { sort: _, ...unsorted } = picked;
          if (value) pick({ sort: { column: name.join(":"), descending: direction === "desc" } });
          else change({ ...view, picked: unsorted });
        }}
      >
        <option value="">{picked.groups.length ? "in the order of the groups" : "as they come"}</option>
        {columns.flatMap(({ name }) =>
          ["desc", "asc"].map((direction) => (
            <option key={`${direction}:${name}`} value={`${direction}:${name}`}>
              {`${name}, ${direction === "desc" ? "largest" : "smallest"} first`}
            </option>
          )),
        )}
      </select>
      <select
        aria-label="Rows at most"
        value={view.limit}
        onChange={({ currentTarget }) => change({ ...view, limit: Number(currentTarget.value) })}
      >
        {limits.map((limit) => (
          <option key={limit} value={limit}>
            {`${limit} rows at most`}
          </option>
        ))}
      </select>
    </Line>
  );
}
