import { useEffect, useState } from "preact/hooks";
import type { ExploreCatalogue, ExploreRelation } from "../../../model/explore.ts";
import { useProject } from "../context.ts";
import { Empty } from "../pieces.tsx";
import { type Route, replaceRoute } from "../route.ts";
import { AnswerView, Refusal } from "./answer.tsx";
import { askCatalogue, keepKey, keptKey, type NotAnswered } from "./ask.ts";
import { Editor, hasRun, markRun } from "./editor.tsx";
import { Picker } from "./picker.tsx";
import { notUnderstood, queryOf, type View, viewIn } from "./view.ts";

/** Where a reader asks questions of their own: what is picked, or one select. */
export function ExplorePage({ route }: { readonly route: Route }) {
  const { explores, live } = useProject().core;
  return (
    <article class="page full explore">
      <h1>Explore</h1>
      {explores ? (
        <Explore route={route} />
      ) : (
        <Empty>
          {live
            ? "This server was started without it (`--no-explore`)."
            : "Questions need a server that has the data, and these pages are files. `npx dataform site serve` shows the same pages with it, at an address of your machine."}
        </Empty>
      )}
    </article>
  );
}

type Loading =
  | { readonly state: "loading" }
  | { readonly state: "refused"; readonly why: NotAnswered["refused"] }
  | { readonly state: "there"; readonly catalogue: ExploreCatalogue };

function Explore({ route }: { readonly route: Route }) {
  const [loading, setLoading] = useState<Loading>({ state: "loading" });
  const [key, setKey] = useState(keptKey());
  useEffect(() => {
    const ended = new AbortController();
    askCatalogue(ended.signal).then(
      (catalogue) => setLoading({ state: "there", catalogue }),
      ({ refused }: NotAnswered) => refused && setLoading({ state: "refused", why: refused }),
    );
    return () => ended.abort();
  }, [key]);
  const signIn = (typed: string) => {
    keepKey(typed);
    setLoading({ state: "loading" });
    setKey(typed);
  };
  if (loading.state === "loading") return <p class="loading">Loading…</p>;
  if (loading.state === "refused") {
    const { status, detail } = loading.why;
    if (status === 401 || status === 403) return <SignIn detail={detail} isWrong={key !== ""} signIn={signIn} />;
    return <Refusal refused={loading.why} />;
  }
  return (
    <>
      {key && (
        <p class="note signed-in">
          Signed in with a key.{" "}
          <button type="button" class="as-link" onClick={() => signIn("")}>
            Forget it
          </button>
        </p>
      )}
      <Question route={route} catalogue={loading.catalogue} />
    </>
  );
}

interface SignInProps {
  readonly detail: string;
  readonly isWrong: boolean;
  readonly signIn: (key: string) => void;
}

/** With a key of `dataform keys`, or a token of the identity provider: the same that programs send. */
function SignIn({ detail, isWrong, signIn }: SignInProps) {
  const [typed, setTyped] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    if (typed.trim()) signIn(typed.trim());
  };
  return (
    <form class="sign-in" onSubmit={submit}>
      <label for="key">Key</label>
      <div class="sign-in-line">
        <input
          id="key"
          type="password"
          autocomplete="off"
          spellcheck={false}
          value={typed}
          aria-describedby="key-about"
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
        />
        <button type="submit" class="main">
          Sign in
        </button>
      </div>
      <p id="key-about" class={isWrong ? "failure" : "note"} role={isWrong ? "alert" : undefined}>
        {isWrong
          ? `${detail[0]!.toUpperCase()}${detail.slice(1)}.`
          : "This server asks who it is. The key stays in this tab until it is closed."}
      </p>
      <p class="note">
        Whoever keeps the server makes one: <code>npx dataform keys add &lt;name&gt; --scope explore</code>
      </p>
    </form>
  );
}

function Question({ route, catalogue }: { readonly route: Route; readonly catalogue: ExploreCatalogue }) {
  const { relations } = catalogue;
  const view = viewIn(route.query);
  const change = (changed: View) => replaceRoute(["explore"], queryOf(changed));
  const isWritten = view.sql !== undefined;
  const [ran, setRan] = useState(view.sql !== undefined && hasRun(view.sql) ? view.sql : undefined);
  const run = (sql: string) => {
    markRun(sql);
    setRan(sql);
  };
  if (!relations.length)
    return <Empty>There is nothing that may be read here yet. `dataform run` publishes, and its readers see it.</Empty>;
  const { picked } = view;
  const left = notUnderstood(route.query);
  const relation =
    picked && relations.find((one) => one.schema === picked.from.schema && one.name === picked.from.name);
  const pick = () => change({ limit: view.limit, ...(relation ? { picked } : {}) } as View);
  const write = (sql: string) => change({ sql, limit: view.limit });
  const goOn = (sql: string) => {
    run(sql);
    write(sql);
  };
  return (
    <>
      {left.length > 0 && (
        <p class="gone" role="status">
          What the address says of {left.map((name) => `“${name}”`).join(", ")} cannot be read, and is left out.
        </p>
      )}
      <div class="switch explore-how" role="group" aria-label="How to ask">
        <button type="button" aria-pressed={!isWritten} onClick={pick}>
          Pick
        </button>
        <button type="button" aria-pressed={isWritten} onClick={() => isWritten || write("")}>
          SQL
        </button>
      </div>
      {isWritten ? (
        <Editor sql={view.sql ?? ""} relations={relations} write={(sql) => change({ ...view, sql })} run={run} />
      ) : (
        <Picker view={view} relations={relations} change={change} />
      )}
      {isWritten
        ? ran !== undefined && (
            <AnswerView
              view={{ ...view, sql: ran }}
              relation={undefined}
              change={(next) => change({ ...next, sql: view.sql! })}
            />
          )
        : picked && <PickedAnswer view={view} relation={relation} change={change} goOn={goOn} />}
    </>
  );
}

interface PickedAnswerProps {
  readonly view: View;
  readonly relation: ExploreRelation | undefined;
  readonly change: (view: View) => void;
  readonly goOn: (sql: string) => void;
}

function PickedAnswer({ view, relation, change, goOn }: PickedAnswerProps) {
  if (relation) return <AnswerView view={view} relation={relation} change={change} goOn={goOn} />;
  const { schema, name } = view.picked!.from;
  return <p class="failure">{`There is no relation ${schema}.${name} that may be read here.`}</p>;
}
