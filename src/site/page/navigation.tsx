import { useProject } from "./context.ts";
import { Fold } from "./fold.tsx";
import { answersFirst, type Product, productsOf } from "./products.ts";
import { href, type Route } from "./route.ts";

export function Navigation({ route: { path } }: { readonly route: Route }) {
  const project = useProject();
  const { core } = project;
  const [room = "", what] = path;
  const current = (is: boolean) => (is ? ("page" as const) : undefined);
  const place = room === "relation" || room === "lineage" ? productOf() : room === "catalogue" ? what : undefined;
  function productOf(): string | undefined {
    const [, schema, name] = path;
    return core.relations.find((one) => one.schema === schema && one.name === name)?.product;
  }
  const products = productsOf(core);
  const link = ({ name, members, failing }: Product) => (
    <li key={name}>
      <a
        href={href(["catalogue", name])}
        aria-current={current(room === "catalogue" && what === name)}
        class={place === name ? "within" : ""}
      >
        <span class="nav-name">{name}</span>
        {failing > 0 && <span class="nav-failing" title="with failing tests" />}
        <span class="count">{members.length}</span>
      </a>
    </li>
  );
  return (
    <>
      <ul>
        <li>
          <a href="#/" aria-current={current(room === "")}>
            Overview
          </a>
        </li>
        <li>
          <a href={href(["explore"])} aria-current={current(room === "explore")}>
            Explore
          </a>
        </li>
        <li>
          <a href={href(["lineage"])} aria-current={current(room === "lineage" && what === undefined)}>
            Lineage
          </a>
        </li>
        <li>
          <a href={href(["operations"])} aria-current={current(room === "operations")}>
            Operations
          </a>
        </li>
      </ul>
      {core.dashboards.length > 0 && (
        <Fold name="answers" head="Answers" title="answers">
          <ul>
            {answersFirst(core).map(({ name, title, isThere }) => (
              <li key={name}>
                <a
                  href={href(["dashboard", name])}
                  aria-current={current(room === "dashboard" && what === name)}
                  class={isThere ? "" : "not-yet"}
                  title={isThere ? undefined : "Not published yet"}
                >
                  {title}
                </a>
              </li>
            ))}
          </ul>
        </Fold>
      )}
      <Fold
        name="catalogue"
        title="the catalogue"
        head={
          <a href={href(["catalogue"])} aria-current={current(room === "catalogue" && what === undefined)}>
            Catalogue
          </a>
        }
      >
        <ul>{products.filter(({ isSource }) => !isSource).map(link)}</ul>
      </Fold>
      {products.some(({ isSource }) => isSource) && (
        <Fold name="sources" head="Sources" title="sources">
          <ul>{products.filter(({ isSource }) => isSource).map(link)}</ul>
        </Fold>
      )}
    </>
  );
}
