import { useEffect, useRef, useState } from "preact/hooks";
import { isDay } from "../../charts/days.ts";

/**
 * A day as it stands everywhere else, "2026-03-01". The browser's own field writes it as its reader's country does, beside figures that
 * do not; its calendar is a button.
 */
export function DayField({ label, what, value, first, last, choose }: DayFieldProps) {
  const [text, setText] = useState(value ?? "");
  const [isWrong, setWrong] = useState(false);
  const calendar = useRef<HTMLInputElement>(null);
  const set = (day: string) => {
    setText(day);
    setWrong(false);
  };
  useEffect(() => set(value ?? ""), [value]);
  const take = (typed: string) => {
    const day = typed.trim();
    set(day);
    if (day === "") choose(null);
    else if (isDay(day)) choose(day);
    else setWrong(true);
  };
  return (
    <span class="day">
      <input
        type="text"
        class="day-text"
        aria-label={label}
        aria-invalid={isWrong}
        placeholder="YYYY-MM-DD"
        autocomplete="off"
        spellcheck={false}
        size={10}
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
        onChange={({ currentTarget }) => take(currentTarget.value)}
      />
      <button
        type="button"
        class="day-calendar"
        aria-label={`Calendar: ${what}`}
        onClick={() => calendar.current?.showPicker?.()}
      >
        <svg viewBox="0 0 20 20" width="15" height="15" aria-hidden="true">
          <path
            d="M3.5 5.5h13v11h-13zM3.5 8.5h13M7 3v4M13 3v4"
            fill="none"
            stroke="currentColor"
            stroke-width="1.4"
            stroke-linejoin="round"
          />
        </svg>
      </button>
      <input
        ref={calendar}
        type="date"
        class="day-picker"
        tabIndex={-1}
        aria-hidden="true"
        value={value ?? ""}
        min={first ?? undefined}
        max={last ?? undefined}
        onChange={({ currentTarget }) => choose(currentTarget.value || null)}
      />
      {isWrong && (
        <span class="day-wrong" role="alert">
          no day: write it as 2026-03-01
        </span>
      )}
    </span>
  );
}

interface DayFieldProps {
  readonly label: string;
  /** What its calendar is of. */
  readonly what: string;
  readonly value: string | null;
  readonly first: string | null;
  readonly last: string | null;
  readonly choose: (day: string | null) => void;
}
