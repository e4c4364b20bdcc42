import type { ComponentChildren } from "preact";
import {
  type Condition,
  type ExploreColumn,
  type ExploreRelation,
  FIGURES,
  type Figure,
  type Group,
  isMoment,
  isNumber,
  OPERATORS,
  type Picked,
  UNITS,
} from "../../../model/explore.ts";
import { FIRST } from "../products.ts";
import { expectedColumns, sortOf } from "./shape.ts";
import { LIMITS, type View } from "./view.ts";

interface PickerProps {
  readonly view: View;
  readonly relations: readonly ExploreRelation[];
  readonly change: (view: View) => void;
}

const FIGURE_WORDS: Readonly<Record<Figure["of"], string>> = {
  count: "Rows",
  distinct: "Different values of",
  sum: "Sum of",
  average: "Average of",
  min: "Least of",
  max: "Most of",
};

const OPERATOR_WORDS: Readonly<Record<Condition["operator"], string>> = {
  "=": "is",
  "<>": "is not",
  "<": "below",
  "<=": "at most",
  ">": "above",
  ">=": "at least",
  contains: "contains",
  "is null": "is empty",
  "is not null": "is there",
};

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
          <Conditions where={picked.where} columns={relation.columns} set={(where) => pick({ where })} />
          <Sorted view={view} picked={picked} relation={relation} pick={pick} change={change} />
        </>
      )}
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

interface LineProps {
  readonly label: string;
  /** Of the one thing that is chosen in it; without it, it has several. */
  readonly id?: string;
  readonly children: ComponentChildren;
}

function Line({ label, id, children }: LineProps) {
  const parts = <div class="pick-parts">{children}</div>;
  if (id)
    return (
      <div class="pick-line">
        <label class="pick-label" for={id}>
          {label}
        </label>
        {parts}
      </div>
    );
  return (
    <fieldset class="pick-line">
      <legend class="unseen">{label}</legend>
      <span class="pick-label" aria-hidden="true">
        {label}
      </span>
      {parts}
    </fieldset>
  );
}

interface PartProps {
  readonly name: string;
  readonly remove: () => void;
  readonly children: ComponentChildren;
}

/** One part of a question, which can be taken away. */
function Part({ name, remove, children }: PartProps) {
  return (
    <span class="part">
      {children}
      <button type="button" class="remove" aria-label={`Without ${name}`} title={`Without ${name}`} onClick={remove}>
        ×
      </button>
    </span>
  );
}

interface ColumnSelectProps {
  readonly label: string;
  readonly value: string;
  readonly columns: readonly ExploreColumn[];
  readonly set: (name: string) => void;
}

function ColumnSelect({ label, value, columns, set }: ColumnSelectProps) {
  return (
    <select aria-label={label} value={value} onChange={({ currentTarget }) => set(currentTarget.value)}>
      {columns.map(({ name }) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

/** Adds a part: it stays at its first line. */
function Add({
  label,
  columns,
  add,
}: {
  readonly label: string;
  readonly columns: readonly ExploreColumn[];
  readonly add: (column: ExploreColumn) => void;
}) {
  return (
    <select
      class="add"
      aria-label={label}
      value=""
      onChange={({ currentTarget }) => {
        const column = columns.find(({ name }) => name === currentTarget.value);
        currentTarget.value = "";
        if (column) add(column);
      }}
    >
      <option value="">{`+ ${label.toLowerCase()}`}</option>
      {columns.map(({ name }) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

interface ListProps<T> {
  readonly columns: readonly ExploreColumn[];
  readonly set: (all: readonly T[]) => void;
}

const typeOf = (columns: readonly ExploreColumn[], name: string | undefined): string =>
  columns.find((one) => one.name === name)?.type ?? "text";

function Groups({ groups, columns, set }: ListProps<Group> & { readonly groups: readonly Group[] }) {
  const free = columns.filter(({ name }) => !groups.some(({ column }) => column === name));
  return (
    <Line label="Grouped by">
      {groups.map((group, at) => (
        <Part key={group.column} name={group.column} remove={() => set(groups.toSpliced(at, 1))}>
          <span class="part-name">{group.column}</span>
          {isMoment(typeOf(columns, group.column)) && (
            <select
              aria-label={`${group.column} by`}
              value={group.unit ?? ""}
              onChange={({ currentTarget }) => {
                const unit = UNITS.find((one) => one === currentTarget.value);
                set(groups.with(at, unit ? { column: group.column, unit } : { column: group.column }));
              }}
            >
              <option value="">as it is</option>
              {UNITS.map((unit) => (
                <option key={unit} value={unit}>
                  by {unit}
                </option>
              ))}
            </select>
          )}
        </Part>
      ))}
      <Add
        label="Column"
        columns={free}
        add={({ name, type }) =>
          set([...groups, type.startsWith("timestamp") ? { column: name, unit: "day" } : { column: name }])
        }
      />
    </Line>
  );
}

function Figures({ figures, columns, set }: ListProps<Figure> & { readonly figures: readonly Figure[] }) {
  const numbers = columns.filter(({ type }) => isNumber(type));
  const columnsFor = (of: Figure["of"]) => (of === "sum" || of === "average" ? numbers : columns);
  const changed = (figure: Figure, of: Figure["of"]): Figure => {
    if (of === "count") return { of };
    const all = columnsFor(of);
    const column = all.some(({ name }) => name === figure.column) ? figure.column! : all[0]!.name;
    return { of, column };
  };
  return (
    <Line label="Figures">
      {figures.map((figure, at) => (
        <Part
          key={`${at} ${figure.of} ${figure.column}`}
          name={`${FIGURE_WORDS[figure.of]} ${figure.column ?? ""}`.trim()}
          remove={() => set(figures.toSpliced(at, 1))}
        >
          <select
            aria-label={`What of figure ${at + 1}`}
            value={figure.of}
            onChange={({ currentTarget }) =>
              set(figures.with(at, changed(figure, currentTarget.value as Figure["of"])))
            }
          >
            {FIGURES.filter((of) => of === "count" || columnsFor(of).length).map((of) => (
              <option key={of} value={of}>
                {FIGURE_WORDS[of]}
              </option>
            ))}
          </select>
          {figure.column !== undefined && (
            <ColumnSelect
              label={`Column of figure ${at + 1}`}
              value={figure.column}
              columns={columnsFor(figure.of)}
              set={(column) => set(figures.with(at, { of: figure.of, column }))}
            />
          )}
        </Part>
      ))}
      <Add
        label="Figure"
        columns={[{ name: "rows", type: "", description: "" }, ...columns]}
        add={(column) =>
          set([
            ...figures,
            column.type === ""
              ? { of: "count" }
              : { of: isNumber(column.type) ? "sum" : "distinct", column: column.name },
          ])
        }
      />
    </Line>
  );
}

function Conditions({ where, columns, set }: ListProps<Condition> & { readonly where: readonly Condition[] }) {
  const isBare = (operator: Condition["operator"]) => operator === "is null" || operator === "is not null";
  return (
    <Line label="Where">
      {where.map((condition, at) => {
        const { column, operator, value } = condition;
        const type = typeOf(columns, column);
        return (
          <Part key={`${at} ${column}`} name={`the filter of ${column}`} remove={() => set(where.toSpliced(at, 1))}>
            <span class="part-name">{column}</span>
            <select
              aria-label={`How ${column} is compared`}
              value={operator}
              onChange={({ currentTarget }) => {
                const word = currentTarget.value as Condition["operator"];
                set(
                  where.with(
                    at,
                    isBare(word) ? { column, operator: word } : { column, operator: word, value: value ?? "" },
                  ),
                );
              }}
            >
              {OPERATORS.map((one) => (
                <option key={one} value={one}>
                  {OPERATOR_WORDS[one]}
                </option>
              ))}
            </select>
            {!isBare(operator) && (
              <input
                aria-label={`With what ${column} is compared`}
                type={type === "date" && operator !== "contains" ? "date" : "text"}
                inputMode={isNumber(type) ? "decimal" : "text"}
                value={value ?? ""}
                onChange={({ currentTarget }) => set(where.with(at, { column, operator, value: currentTarget.value }))}
              />
            )}
          </Part>
        );
      })}
      <Add
        label="Filter"
        columns={columns}
        add={({ name, type }) =>
          set([
            ...where,
            isNumber(type) || isMoment(type)
              ? { column: name, operator: ">=", value: "" }
              : { column: name, operator: "=", value: "" },
          ])
        }
      />
    </Line>
  );
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
