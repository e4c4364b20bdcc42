import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { DEFAULT_ENVIRONMENT } from "../../model/release.ts";
import { CataloguePage } from "./catalogue.tsx";
import { fullName, useProject } from "./context.ts";
import { CopyLink } from "./copy-link.tsx";
import { DashboardPage } from "./dashboard.tsx";
import { ExplorePage } from "./explore/explore.tsx";
import { Home } from "./home.tsx";
import { keep, kept } from "./keep.ts";
import { LineagePage } from "./lineage.tsx";
import { followServer } from "./live.ts";
import { Navigation } from "./navigation.tsx";
import { Nowhere } from "./nowhere.tsx";
import { OperationsPage } from "./operations.tsx";
import { RelationPage } from "./relation.tsx";
import { href, type Route, useRoute } from "./route.ts";
import { SearchDialog } from "./search.tsx";
import { chooseTheme, chosenTheme, isDark } from "./theme.ts";
import { useMedia } from "./width.ts";
import { minute } from "./words.ts";

export function App() {
  const route = useRoute();
  const { core } = useProject();
  const [isSearching, setSearching] = useState(false);
  const [isMenuOpen, setMenuOpen] = useState(false);
  const [isFolded, setFolded] = useState(kept("pages") === "folded");
  const main = useRef<HTMLElement>(null);
  const place = route.path.join("/");
  useEffect(() => {
    setMenuOpen(false);
    document.title = [titleOf(route), core.project].filter(Boolean).join(" · ");
    if (!route.query.has("column")) scrollTo(0, 0);
  }, [place]);
  useEffect(() => {
    if (core.live) followServer();
  }, []);
  // As the page is drawn, and not after: a key that is pressed right then is heard.
  useLayoutEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
      const isAsked = (event.key === "k" && (event.metaKey || event.ctrlKey)) || (event.key === "/" && !isTyping);
      if (!isAsked) return;
      event.preventDefault();
      setSearching(true);
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);
  // Where there is no room beside it, the list lies over the page.
  const isNarrow = useMedia("(max-width: 860px)");
  const turnPages = () => {
    if (isNarrow) return setMenuOpen(!isMenuOpen);
    keep("pages", isFolded ? "open" : "folded");
    setFolded(!isFolded);
  };
  const toContent = (event: Event) => {
    event.preventDefault();
    main.current?.focus();
  };
  return (
    <>
      <a class="skip" href={location.hash || "#/"} onClick={toContent}>
        To the content
      </a>
      <header class="bar">
        <button
          type="button"
          class="menu"
          aria-expanded={isNarrow ? isMenuOpen : !isFolded}
          aria-controls="navigation"
          title="Pages"
          onClick={turnPages}
        >
          <MenuIcon /> <span class="unseen">Pages</span>
        </button>
        <a class="project" href="#/">
          {core.project}
        </a>
        <button type="button" class="ask" onClick={() => setSearching(true)}>
          <SearchIcon />
          <span>Search</span>
          <kbd>/</kbd>
        </button>
        <CopyLink />
        <ThemeButton />
      </header>
      <div class={isFolded ? "layout folded" : "layout"}>
        <nav id="navigation" class={isMenuOpen ? "open" : ""} aria-label="Pages">
          <Navigation route={route} />
          <ReleaseLine />
        </nav>
        <main ref={main} tabIndex={-1}>
          <Page route={route} />
        </main>
      </div>
      <SearchDialog isOpen={isSearching} close={() => setSearching(false)} />
    </>
  );
}

function Page({ route }: { readonly route: Route }) {
  const [room = "", ...rest] = route.path;
  if (rest.length > (DEPTHS[room] ?? 0)) return <Nowhere what={`a page “${route.path.join("/")}”`} />;
  switch (room) {
    case "":
      return <Home />;
    case "catalogue":
      return <CataloguePage route={route} product={rest[0]} />;
    case "relation":
      return <RelationPage key={rest.join("\0")} route={route} schema={rest[0]} name={rest[1]} />;
    case "lineage":
      return <LineagePage route={route} schema={rest[0]} name={rest[1]} />;
    case "dashboard":
      return <DashboardPage key={rest[0]} route={route} name={rest[0] ?? ""} />;
    case "explore":
      return <ExplorePage route={route} />;
    case "operations":
      return <OperationsPage route={route} tab={rest[0]} />;
    default:
      return <Nowhere what={`a page “${route.path.join("/")}”`} />;
  }
}

/** How many names stand behind that of a room, at most. */
const DEPTHS: Readonly<Record<string, number>> = { catalogue: 1, relation: 2, lineage: 2, dashboard: 1, operations: 1 };

function titleOf({ path: [room, schema, name] }: Route): string {
  if (room === "relation" && schema && name) return fullName({ schema, name });
  if (room === "lineage" && schema && name) return `Lineage of ${fullName({ schema, name })}`;
  if (room === "lineage") return schema ? `Lineage of ${schema}` : "Lineage";
  if (room === "catalogue") return schema ?? "Catalogue";
  if (room === "operations") return "Operations";
  if (room === "explore") return "Explore";
  return room === "dashboard" ? (schema ?? "") : "";
}

function ReleaseLine() {
  const { release, environment, madeAt } = useProject().core;
  return (
    <div class="release">
      {release ? (
        <a href={href(["operations", "releases"])}>Release {release.number}</a>
      ) : (
        <span>Nothing published yet</span>
      )}
      {environment !== DEFAULT_ENVIRONMENT && <span>environment {environment}</span>}
      {release?.publishedAt && <span>published {minute(release.publishedAt)}</span>}
      <span>page made {minute(madeAt)}</span>
    </div>
  );
}

function ThemeButton() {
  const [theme, setTheme] = useState(chosenTheme());
  const next = isDark() ? "light" : "dark";
  return (
    <button
      type="button"
      class="theme"
      aria-label={`Show it ${next}`}
      title={`Show it ${next}`}
      onClick={() => {
        chooseTheme(next);
        setTheme(next);
        dispatchEvent(new Event("themechange"));
      }}
      data-theme={theme}
    >
      <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
        <path
          d="M10 2.5a7.5 7.5 0 1 0 0 15zM10 2.5a7.5 7.5 0 0 1 0 15"
          fill="none"
          stroke="currentColor"
          stroke-width="1.5"
        />
        <path d="M10 2.5a7.5 7.5 0 0 0 0 15z" fill="currentColor" />
      </svg>
    </button>
  );
}

function SearchIcon() {
  return (
    <svg viewBox="0 0 20 20" width="16" height="16" aria-hidden="true">
      <circle cx="8.5" cy="8.5" r="5.5" fill="none" stroke="currentColor" stroke-width="1.6" />
      <path d="m13 13 4.5 4.5" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" />
    </svg>
  );
}

function MenuIcon() {
  return (
    <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <path d="M3 6h14M3 10h14M3 14h14" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" />
    </svg>
  );
}
