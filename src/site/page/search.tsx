import MiniSearch, { type SearchResult } from "minisearch";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { SiteRelation } from "../../model/site.ts";
import { type Project, useProject } from "./context.ts";
import { unmarked } from "./markdown.tsx";
import { KindMark } from "./pieces.tsx";
import { href, relationHref } from "./route.ts";

/** One thing that can be found: a dashboard, a relation, with the column that made it be found. */
interface Hit {
  readonly address: string;
  readonly title: string;
  readonly schema?: string;
  readonly relation?: SiteRelation;
  readonly column?: string;
  readonly about: string;
}

interface Entry {
  readonly id: number;
  readonly name: string;
  readonly schema: string;
  readonly columns: string;
  readonly about: string;
}

const parts = (text: string): string[] =>
  text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);

/** `spend_per_conversion` is found by `spend`, by `conversion` and as it is. */
const words = (text: string): string[] => [
  ...new Set([...parts(text), ...text.toLowerCase().split(/[^\p{L}\p{N}_]+/u)]),
];

/** Letters that may be wrong in a word of so many: two of five, for two that changed places are two. */
const fuzzy = (term: string) => (term.length > 3 ? 0.3 : false);

type Search = (asked: string) => readonly Hit[];

/** Built in the page, once: shipped with it, the index would be as large as the data. Piece by piece: nobody waits for it. */
async function searchOf({ core }: Project): Promise<Search> {
  const index = new MiniSearch<Entry>({
    fields: ["name", "schema", "columns", "about"],
    tokenize: words,
    processTerm: (term) => term || null,
    searchOptions: { tokenize: parts, boost: { name: 6, schema: 2, columns: 2 }, prefix: true, fuzzy },
  });
  const relations = core.relations.map(
    ({ schema, name, columns, summary, tags, product }, id): Entry => ({
      id,
      name,
      schema: `${schema} ${product}`,
      columns: columns.map(([column]) => column).join(" "),
      about: [summary, ...tags, ...columns.map(([, , description]) => description)].join(" "),
    }),
  );
  const dashboards = core.dashboards.map(
    ({ name, title, description = "" }, place): Entry => ({
      id: core.relations.length + place,
      name: `${name} ${title}`,
      schema: "",
      columns: "",
      about: description,
    }),
  );
  const found = relations.filter(({ id }) => core.relations[id]!.kind !== "dashboard");
  await index.addAllAsync([...found, ...dashboards], { chunkSize: 50 });
  return (asked) =>
    index
      .search(asked, { combineWith: "AND" })
      .slice(0, MOST)
      .map((result) => hitOf(core, asked, result));
}

const MOST = 30;

function hitOf(core: Project["core"], asked: string, { id }: SearchResult): Hit {
  const dashboard = core.dashboards[id - core.relations.length];
  if (dashboard) return { address: href(["dashboard", dashboard.name]), title: dashboard.title, about: "dashboard" };
  const relation = core.relations[id as number]!;
  const column = columnMeant(relation, asked);
  return {
    address: relationHref(relation, column?.[0]),
    title: relation.name,
    schema: relation.schema,
    relation,
    ...(column ? { column: column[0], about: column[2] } : { about: relation.summary }),
  };
}

/** The column that somebody means who asks for its name, unless the relation is called so. */
function columnMeant({ name, columns }: SiteRelation, asked: string): SiteRelation["columns"][number] | undefined {
  const text = asked.trim().toLowerCase().replaceAll(/\s+/g, "_");
  if (text === "" || name.toLowerCase().includes(text)) return undefined;
  const named = columns.filter(([column]) => column.toLowerCase().includes(text));
  return named.find(([column]) => column.toLowerCase() === text) ?? named[0];
}

export function SearchDialog({ isOpen, close }: { readonly isOpen: boolean; readonly close: () => void }) {
  const project = useProject();
  const dialog = useRef<HTMLDialogElement>(null);
  const [asked, setAsked] = useState("");
  const [chosen, setChosen] = useState(0);
  const [search, setSearch] = useState<Search>();
  // When the page has been drawn.
  useEffect(() => void searchOf(project).then((built) => setSearch(() => built)), []);
  // At once: what is typed behind the key that opens it is meant for it.
  useLayoutEffect(() => {
    if (!isOpen) return dialog.current?.close();
    if (!dialog.current?.open) dialog.current?.showModal();
    dialog.current?.querySelector("input")?.select();
  }, [isOpen]);
  const hits = useMemo(() => (search && asked.trim() ? search(asked) : []), [search, asked]);
  const go = (hit: Hit | undefined) => {
    if (!hit) return;
    location.hash = hit.address.slice(1);
    close();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step && hits.length) {
      event.preventDefault();
      const next = (chosen + step + hits.length) % hits.length;
      setChosen(next);
      dialog.current?.querySelectorAll("[role=option]")[next]?.scrollIntoView({ block: "nearest" });
    }
    if (event.key === "Enter") go(hits[chosen]);
    // By itself it empties a field for searches first.
    if (event.key === "Escape") {
      event.preventDefault();
      close();
    }
  };
  return (
    <dialog
      ref={dialog}
      class="search"
      aria-label="Search"
      onClose={close}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <input
        type="search"
        role="combobox"
        list={undefined}
        aria-expanded={hits.length > 0}
        aria-controls="search-hits"
        aria-activedescendant={hits.length ? `search-hit-${chosen}` : undefined}
        aria-label="Search names, columns and descriptions"
        placeholder="Search names, columns, descriptions"
        autocomplete="off"
        spellcheck={false}
        value={asked}
        onInput={({ currentTarget }) => {
          setAsked(currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div id="search-hits" role="listbox" aria-label="What was found">
        {hits.map((hit, index) => (
          <a
            key={hit.address}
            id={`search-hit-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === chosen}
            href={hit.address}
            onClick={close}
            onMouseMove={() => setChosen(index)}
          >
            <span class="hit-name">
              {hit.schema && <span class="of-schema">{hit.schema}.</span>}
              {hit.title}
              {hit.column && <span class="hit-column">.{hit.column}</span>}
            </span>
            {hit.relation ? <KindMark kind={hit.relation.kind} /> : <span class="kind">dashboard</span>}
            <span class="hit-about">{unmarked(hit.about)}</span>
          </a>
        ))}
      </div>
      {search && asked.trim() !== "" && !hits.length && (
        <p class="empty">Nothing here is called “{asked}”, or says so.</p>
      )}
      <footer class="keys" aria-hidden="true">
        <kbd>↑</kbd> <kbd>↓</kbd> choose <kbd>Enter</kbd> open <kbd>Esc</kbd> close
      </footer>
    </dialog>
  );
}
