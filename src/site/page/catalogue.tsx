import { useMemo } from "preact/hooks";
import type { SiteRelation } from "../../model/site.ts";
import { fullName, useProject } from "./context.ts";
import { Inline } from "./markdown.tsx";
import { Nowhere } from "./nowhere.tsx";
import { Badge, Empty, KindMark, RelationLink, StateBadge } from "./pieces.tsx";
import { groupsOf, productsOf } from "./products.ts";
import { href, type Route, replaceQuery } from "./route.ts";
import { Table } from "./table.tsx";
import { counted, KINDS } from "./words.ts";

/** All relations, or those of a product, as far as the filters let them. */
export function CataloguePage({ route, product }: { readonly route: Route; readonly product?: string | undefined }) {
  const { core } = useProject();
  const found = productsOf(core).find(({ name }) => name === product);
  const all =
    product === undefined ? core.relations.filter(({ kind }) => kind !== "dashboard") : (found?.members ?? []);
  const filters = Object.fromEntries(["q", "schema", "kind", "tag"].map((name) => [name, route.query.get(name) ?? ""]));
  const kept = useMemo(() => all.filter((relation) => isKept(relation, filters)), [all, route.query]);
  if (product !== undefined && !found) return <Nowhere what={`a product “${product}”`} />;
  const choices = (values: readonly string[]) => [...new Set(values)].sort();
  const isTold = kept.some(({ state }) => state !== "published" && state !== "none");
  const set = (name: string, value: string) => replaceQuery(route, { [name]: value || undefined });
  return (
    <div class="page wide">
      {product !== undefined && (
        <p class="crumbs">
          <a href={href(["catalogue"])}>Catalogue</a>
        </p>
      )}
      <h1>{product ?? "Catalogue"}</h1>
      <div class="filters" role="search">
        <input
          type="search"
          aria-label="Only what has this in its name or description"
          placeholder="Only with …"
          value={filters.q}
          onInput={({ currentTarget }) => set("q", currentTarget.value)}
        />
        <Choice label="schema" value={filters.schema!} values={choices(all.map(({ schema }) => schema))} set={set} />
        <Choice label="kind" value={filters.kind!} values={choices(all.map(({ kind }) => kind))} set={set} />
        <Choice label="tag" value={filters.tag!} values={choices(all.flatMap(({ tags }) => tags))} set={set} />
        <span class="filters-count" aria-live="polite">
          {counted(kept.length, "relation")}
        </span>
      </div>
      {kept.length === 0 && <Empty>Nothing here fits these filters.</Empty>}
      {groupsOf(kept).map(([group, members]) => (
        <section key={group} class="section">
          <h2>{group}</h2>
          <Table
            caption={group}
            look="catalogue"
            isStacked
            rows={members}
            columns={[
              { title: "Name", cell: (one) => <RelationLink relation={one} /> },
              { title: "Kind", cell: ({ kind }) => <KindMark kind={kind} /> },
              { title: "About", isText: true, cell: ({ summary }) => <Inline text={summary} /> },
              {
                title: "Tests",
                isNumber: true,
                cell: ({ tests, failing }) =>
                  failing ? (
                    <Badge tone="bad">{`${failing} of ${tests} fail`}</Badge>
                  ) : tests ? (
                    <>
                      {tests} <span class="stacked-word">{tests === 1 ? "test" : "tests"}</span>
                    </>
                  ) : (
                    ""
                  ),
              },
              ...(isTold ? [{ title: "State", cell: ({ state }: SiteRelation) => <StateBadge state={state} /> }] : []),
            ]}
          />
        </section>
      ))}
    </div>
  );
}

function isKept(relation: SiteRelation, { q, schema, kind, tag }: Readonly<Record<string, string>>): boolean {
  const text = q!.trim().toLowerCase();
  return (
    (!schema || relation.schema === schema) &&
    (!kind || relation.kind === kind) &&
    (!tag || relation.tags.includes(tag)) &&
    (!text || `${fullName(relation)} ${relation.summary}`.toLowerCase().includes(text))
  );
}

function Choice({ label, value, values, set }: ChoiceProps) {
  if (values.length < 2 && !value) return null;
  return (
    <select aria-label={label} value={value} onChange={({ currentTarget }) => set(label, currentTarget.value)}>
      <option value="">every {label}</option>
      {values.map((one) => (
        <option key={one} value={one}>
          {label === "kind" ? KINDS[one as SiteRelation["kind"]].one : one}
        </option>
      ))}
    </select>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly values: readonly string[];
  readonly set: (name: string, value: string) => void;
}
