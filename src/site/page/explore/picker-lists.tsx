import {
  type Condition,
  FIGURES,
  type Figure,
  type Group,
  isMoment,
  isNumber,
  OPERATORS,
  UNITS,
} from "../../../model/explore.ts";
import { Add, ColumnSelect, Line, type ListProps, Part, typeOf } from "./picker-pieces.tsx";

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

/** What rows are grouped by. */
export function Groups({ groups, columns, set }: ListProps<Group> & { readonly groups: readonly Group[] }) {
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

/** What is told of each group. */
export function Figures({ figures, columns, set }: ListProps<Figure> & { readonly figures: readonly Figure[] }) {
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

/** Which rows count. */
export function Conditions({ where, columns, set }: ListProps<Condition> & { readonly where: readonly Condition[] }) {
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
                {...(type === "date" && operator !== "contains"
                  ? ({ type: "date" } as const)
                  : ({ type: "text", inputMode: isNumber(type) ? "decimal" : "text" } as const))}
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
