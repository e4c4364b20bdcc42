import type { OperationsData } from "../../model/operations.ts";
import type { SiteHeadline } from "../../model/site.ts";
import { usePart, useProject } from "./context.ts";
import { Inline, unmarked } from "./markdown.tsx";
import { Badge, Empty, Section } from "./pieces.tsx";
import { answersFirst, groupsOf, type Product, productsOf } from "./products.ts";
import { href } from "./route.ts";
import { counted, isLate, minute, seconds, type Tone } from "./words.ts";

export function Home() {
  const { core } = useProject();
  const products = productsOf(core);
  const { dashboards, release } = core;
  const answers = answersFirst(core);
  const sources = products.filter(({ isSource }) => isSource);
  const card = ({ name, members, failing }: Product) => (
    <a key={name} class="card" href={href(["catalogue", name])}>
      <strong>{name}</strong>
      <span class="groups">
        {groupsOf(members).map(([group, some]) => (
          <span key={group}>
            {group} <span class="count">{some.length}</span>
          </span>
        ))}
      </span>
      {failing > 0 && <Badge tone="bad">{counted(failing, "relation")} with failing tests</Badge>}
    </a>
  );
  return (
    <div class="page wide">
      <h1>{core.project}</h1>
      <p class="lead">
        <Inline
          text={
            release
              ? "What the models of this project publish, what each column means and where it comes from."
              : "What the models of this project say. Nothing is published yet: `dataform run` does it."
          }
        />
      </p>
      <Now />
      {dashboards.length > 0 && (
        <Section id="answers" title="Answers">
          <div class="cards answers">
            {answers
              .filter(({ isThere }) => isThere)
              .map(({ name, title, description, headline }) => (
                <a key={name} class="card" href={href(["dashboard", name])}>
                  <strong>{title}</strong>
                  {description && <span>{unmarked(firstSentence(description))}</span>}
                  {headline && <Headline {...headline} />}
                </a>
              ))}
          </div>
          <div class="cards answers">
            {answers
              .filter(({ isThere }) => !isThere)
              .map(({ name, title, description }) => (
                <a key={name} class="card not-yet" href={href(["dashboard", name])}>
                  <strong>{title}</strong>
                  {description && <span>{unmarked(firstSentence(description))}</span>}
                  <span class="count">not published yet</span>
                </a>
              ))}
          </div>
        </Section>
      )}
      <Section
        id="products"
        title="Catalogue"
        aside={
          <a href={href(["catalogue"])}>
            {counted(core.relations.filter(({ kind }) => kind !== "dashboard").length, "relation")}
          </a>
        }
      >
        {products.length ? (
          <div class="cards">{products.filter(({ isSource }) => !isSource).map(card)}</div>
        ) : (
          <Empty>The project has no models yet. Put a first one into definitions/.</Empty>
        )}
      </Section>
      {sources.length > 0 && (
        <Section id="sources" title="Sources">
          <div class="cards small">{sources.map(card)}</div>
        </Section>
      )}
    </div>
  );
}

/** Figures at the right, under one another; those of one number in several currencies below its name. */
function Headline({ numbers, from, to }: SiteHeadline) {
  return (
    <div class="headline">
      {numbers.flatMap(({ label, figures }) =>
        figures.map(({ figure, unit }, at) => (
          <p key={`${label} ${unit}`}>
            <span>{at === 0 && label}</span>
            <strong>
              {figure}
              {unit && <span class="unit"> {unit}</span>}
            </strong>
          </p>
        )),
      )}
      {from && (
        <span class="count">
          {from} to {to}
        </span>
      )}
    </div>
  );
}

function firstSentence(text: string): string {
  return /^[\s\S]*?[.!?](?=\s|$)/.exec(text.trim())?.[0] ?? text.trim();
}

const RUNS: Readonly<Record<OperationsData["runs"][number]["status"], string>> = {
  success: "Last run succeeded",
  failure: "Last run failed",
  cancelled: "Last run was cancelled",
  abandoned: "Last run never ended",
  running: "A run is going on since",
};

/** "1 line of schedules.yaml is late, 2 failed". */
function told(lines: OperationsData["schedules"]): string {
  const late = lines.filter(({ lag }) => isLate(lag)).length;
  const failed = lines.length - late;
  const of = `${counted(late || failed, "line")} of schedules.yaml`;
  if (!late) return `${of} failed`;
  return `${of} ${late === 1 ? "is" : "are"} late${failed ? `, ${failed} failed` : ""}`;
}

/** Whether what is shown can be trusted now: the last run, what its tests said, how new the data are. */
function Now() {
  const part = usePart<OperationsData>("operations");
  if (part?.state !== "there") return <p class="now" aria-busy={part !== undefined} />;
  const { runs, assertions, freshness, schedules } = part.value;
  const behind = schedules.filter(({ lag, last }) => isLate(lag) || last?.status === "failure");
  const [run] = runs;
  const failed = assertions.filter(({ status }) => status === "failed").length;
  const late = freshness.filter(({ state }) => state === "warn" || state === "error");
  const declared = freshness.filter(({ state }) => state !== "undeclared" && state !== "never");
  const never = freshness.filter(({ state }) => state === "never").length;
  const facts: readonly (readonly [tone: Tone, text: string, tab: string])[] = [
    run
      ? [
          run.status === "success" ? "good" : run.status === "running" ? "notice" : "bad",
          `${RUNS[run.status]} ${minute(run.startedAt)}, ${run.status === "running" ? "for" : "in"} ${seconds(run.seconds)}`,
          "runs",
        ]
      : ["notice", "No run yet", "runs"],
    failed
      ? ["bad", `${counted(failed, "test")} failed`, "tests"]
      : assertions.length
        ? ["notice", `${counted(assertions.length, "test")} with a warning`, "tests"]
        : run
          ? ["good", "Every test passed", "tests"]
          : ["plain", "No test was asked yet", "tests"],
    ...(declared.length
      ? [
          late.length
            ? (["bad", `${counted(late.length, "stream")} late`, "freshness"] as const)
            : (["good", "Data as new as declared", "freshness"] as const),
        ]
      : []),
    ...(never
      ? [["plain", `${never} of ${counted(freshness.length, "stream")} never loaded`, "freshness"] as const]
      : []),
    ...(behind.length ? [["bad", told(behind), "schedule"] as const] : []),
  ];
  return (
    <p class="now">
      {facts.map(([tone, text, tab]) => (
        <a key={text} class={`badge badge-${tone}`} href={href(["operations", tab])}>
          {text}
        </a>
      ))}
    </p>
  );
}
