import type { ComponentChildren } from "preact";
import type { ExploreColumn } from "../../../model/explore.ts";

interface LineProps {
  readonly label: string;
  /** Of the one thing that is chosen in it; without it, it has several. */
  readonly id?: string;
  readonly children: ComponentChildren;
}

export function Line({ label, id, children }: LineProps) {
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
export function Part({ name, remove, children }: PartProps) {
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

export function ColumnSelect({ label, value, columns, set }: ColumnSelectProps) {
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

/** Adds a part: it stays at its first line. By its place: what is no column may have the name of one. */
export function Add({
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
        const column = currentTarget.value === "" ? undefined : columns[Number(currentTarget.value)];
        currentTarget.value = "";
        if (column) add(column);
      }}
    >
      <option value="">{`+ ${label.toLowerCase()}`}</option>
      {columns.map(({ name }, at) => (
        <option key={at} value={at}>
          {name}
        </option>
      ))}
    </select>
  );
}

export interface ListProps<T> {
  readonly columns: readonly ExploreColumn[];
  readonly set: (all: readonly T[]) => void;
}

export const typeOf = (columns: readonly ExploreColumn[], name: string | undefined): string =>
  columns.find((one) => one.name === name)?.type ?? "text";
