import { useRef, useState } from "preact/hooks";
import type { ExploreRelation } from "../../../model/explore.ts";
import { type Suggestions, suggest } from "./suggest.ts";

const RAN = "dataform-explore-ran";

/** A select that came with a link is shown, and asked when its reader says so; one that was asked in this tab is asked again. */
export function hasRun(sql: string): boolean {
  try {
    return sql !== "" && sessionStorage.getItem(RAN) === sql;
  } catch {
    return false;
  }
}

export function markRun(sql: string): void {
  try {
    sessionStorage.setItem(RAN, sql);
  } catch {
    // A browser that keeps nothing asks again.
  }
}

interface EditorProps {
  readonly sql: string;
  readonly relations: readonly ExploreRelation[];
  readonly write: (sql: string) => void;
  readonly run: (sql: string) => void;
}

/** Where one select is written, with what may stand at the caret. */
export function Editor({ sql, relations, write, run }: EditorProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  const [suggestions, setSuggestions] = useState<Suggestions>();
  const [chosen, setChosen] = useState(0);
  const look = (isAsked = false) => {
    const { selectionStart, selectionEnd, value } = area.current!;
    setSuggestions(selectionStart === selectionEnd ? suggest(value, selectionStart, relations, isAsked) : undefined);
    setChosen(0);
  };
  const take = (at: number) => {
    const { from, to, all } = suggestions!;
    const { text } = all[at]!;
    const element = area.current!;
    element.setRangeText(text, from, to, "end");
    element.focus();
    write(element.value);
    setSuggestions(undefined);
  };
  const isOpen = suggestions !== undefined;
  const onKeyDown = (event: KeyboardEvent) => {
    const done = () => {
      event.preventDefault();
      event.stopPropagation();
    };
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      done();
      setSuggestions(undefined);
      if (sql.trim()) run(sql);
    } else if (event.key === " " && event.ctrlKey) {
      done();
      look(true);
    } else if (!isOpen) return;
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      done();
      const { length } = suggestions.all;
      setChosen((chosen + (event.key === "ArrowDown" ? 1 : length - 1)) % length);
    } else if (event.key === "Enter" || event.key === "Tab") {
      done();
      take(chosen);
    } else if (event.key === "Escape") {
      done();
      setSuggestions(undefined);
    }
  };
  return (
    <div class="editor">
      <label for="select">One select, which only reads</label>
      <div class="editor-area">
        <textarea
          id="select"
          ref={area}
          rows={Math.min(24, Math.max(7, sql.split("\n").length + 1))}
          value={sql}
          spellcheck={false}
          autocapitalize="off"
          autocomplete="off"
          wrap="off"
          placeholder="select …"
          aria-autocomplete="list"
          aria-controls="suggestions"
          aria-activedescendant={isOpen ? `suggestion-${chosen}` : undefined}
          onInput={({ currentTarget }) => {
            write(currentTarget.value);
            look();
          }}
          onKeyDown={onKeyDown}
          onClick={() => setSuggestions(undefined)}
          onScroll={() => setSuggestions(undefined)}
          onBlur={() => setSuggestions(undefined)}
        />
        <div
          id="suggestions"
          class="suggestions"
          role="listbox"
          aria-label="What may stand here"
          hidden={!isOpen}
          style={isOpen ? placeOf(area.current!, suggestions.from) : {}}
        >
          {suggestions?.all.map(({ text, about, description }, at) => (
            <div
              key={`${about} ${text}`}
              id={`suggestion-${at}`}
              role="option"
              tabIndex={-1}
              aria-selected={at === chosen}
              // The caret stays where it is.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take(at)}
            >
              <code>{text}</code>
              <span class="about">{about}</span>
              {description && <span class="description">{description}</span>}
            </div>
          ))}
        </div>
      </div>
      <p class="editor-bar">
        <button type="button" class="main" disabled={!sql.trim()} onClick={() => run(sql)}>
          Run
        </button>
        <span class="note">
          <kbd>Ctrl</kbd> <kbd>Enter</kbd> runs it, <kbd>Ctrl</kbd> <kbd>Space</kbd> suggests
        </span>
      </p>
    </div>
  );
}

/** Below the word: the letters of the text are of one width, and its lines are not broken. */
function placeOf({ value, scrollTop, scrollLeft, clientWidth }: HTMLTextAreaElement, at: number) {
  const before = value.slice(0, at).split("\n");
  const column = before.at(-1)!.length;
  return {
    "--line": String(before.length),
    "--column": String(column),
    "--down": `${-scrollTop}px`,
    "--right": `${-scrollLeft}px`,
    "--room": `${clientWidth}px`,
  };
}
