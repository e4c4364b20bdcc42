import { useState } from "preact/hooks";
import type { Explored } from "../../../model/explore.ts";
import { download } from "../csv.ts";
import { fileOf, keptAs } from "./kept.ts";
import type { Shape } from "./shape.ts";

interface KeepProps {
  readonly title: string;
  readonly answer: Explored;
  readonly shape: Shape;
}

/** The answer as the file of a dashboard, for the project: from then on it is compiled, tested and published with the rest. */
export function Keep({ title: suggested, answer, shape }: KeepProps) {
  const [title, setTitle] = useState(suggested);
  const [told, tell] = useState("");
  const kept = keptAs(title.trim() || suggested, answer, shape);
  const file = fileOf(title);
  const copy = async (yaml: string) => {
    const done = await navigator.clipboard?.writeText(yaml).then(
      () => true,
      () => false,
    );
    tell(done ? "Copied." : "Select the text, and copy it.");
  };
  return (
    <details class="keep">
      <summary>Keep as a dashboard</summary>
      {"why" in kept ? (
        <p class="note">{`It cannot be kept as it is: ${kept.why}.`}</p>
      ) : (
        <>
          <p class="note">
            A file of the project: <code>dashboards/{file}</code>. It is compiled with the models, so that a column that
            goes is an error before it is published.
            {answer.cut && " It shows all rows, not the part above."}
          </p>
          <div class="keep-bar">
            <label>
              Title
              <input value={title} onInput={({ currentTarget }) => setTitle(currentTarget.value)} />
            </label>
            <button type="button" onClick={() => void copy(kept.yaml)}>
              Copy
            </button>
            <button type="button" onClick={() => download(file, kept.yaml, "application/yaml")}>
              Download
            </button>
            <span role="status" class="note">
              {told}
            </span>
          </div>
          <pre class="keep-text" tabIndex={0} role="region" aria-label={`dashboards/${file}`}>
            {kept.yaml}
          </pre>
        </>
      )}
    </details>
  );
}
