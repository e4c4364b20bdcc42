import { Badge, Empty } from "../pieces.tsx";
import { href } from "../route.ts";
import { counted, minute } from "../words.ts";
import { toneOf } from "./runs.tsx";
import type { ViewProps } from "./view.ts";

export function FailingTests({ data: { assertions } }: ViewProps) {
  if (!assertions.length)
    return <Empty>Every assertion held, and every dashboard could be shown, in the last run that asked.</Empty>;
  return (
    <ul class="tests">
      {assertions.map(({ target, kind, status, at, since, rows, reason, error, failingRows }) => (
        <li key={`${target.schema}.${target.name}`}>
          <details open={assertions.length === 1}>
            <summary>
              <Badge tone={toneOf(status)}>{rows === null ? status : `${status}: ${counted(rows, "row")}`}</Badge>
              <span class="test-name">{target.name}</span>
              {kind === "dashboard" && <span class="kind">dashboard</span>}
              <span class="test-about">
                since {minute(since)}, last asked {minute(at)}
              </span>
            </summary>
            {error && <p class="failure">{[error.message, error.found].filter(Boolean).join(": ")}</p>}
            {kind === "dashboard" && (
              <p class="note">
                It was asked over what the run built. <a href={href(["dashboard", target.name])}>What it shows now</a>{" "}
                is of the release that readers have.
              </p>
            )}
            {reason && <p class="note">{reason}</p>}
            {failingRows.length > 0 ? (
              <pre class="code" tabIndex={0}>
                <code>{failingRows.join("\n")}</code>
              </pre>
            ) : (
              rows !== null && (
                <p class="note">
                  Its rows are not shown here: none were kept, or they are of data that this site does not show.
                </p>
              )
            )}
          </details>
        </li>
      ))}
    </ul>
  );
}
