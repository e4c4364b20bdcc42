import { useEffect, useState } from "preact/hooks";
import type { Live, LiveState } from "./live.ts";
import { secondOf } from "./words.ts";

const WORDS: Readonly<Record<LiveState, { readonly word: string; readonly what: string }>> = {
  connecting: { word: "Connecting", what: "The figures are those of when the page was made" },
  live: { word: "Live", what: "Figures change as events come" },
  paused: { word: "Paused", what: "Figures stay as they are until they are let go on" },
  away: { word: "Not connected", what: "Nobody answers: it is tried again by itself" },
};

/** Between two times that a screen reader says that figures have changed, in milliseconds. */
const SAY_EVERY = 30_000;

/** That the figures move, when they last did, and what stops them. */
export function LiveMark({ live, pause }: { readonly live: Live; readonly pause: (isPaused: boolean) => void }) {
  const { state, data, hasChanged } = live;
  const { word, what } = WORDS[state];
  const isPaused = state === "paused";
  const at = data && secondOf(data.readAt);
  const said = useSaid(state, at);
  return (
    <p class={`live live-${state}`}>
      <span class="live-dot" aria-hidden="true" />
      <span title={what}>{word}</span>
      {at && (
        <span class="live-at">
          {state === "live" && hasChanged ? "changed" : "as of"} <time dateTime={data.readAt}>{at}</time>
        </span>
      )}
      <button type="button" onClick={() => pause(!isPaused)}>
        {isPaused ? "Go on" : "Pause"}
      </button>
      <span class="unseen" role="status">
        {said}
      </span>
    </p>
  );
}

/** What is said aloud: each state, and now and then that something changed. */
function useSaid(state: LiveState, at: string | undefined): string {
  const [said, setSaid] = useState({ state, text: "", since: Number.NEGATIVE_INFINITY });
  useEffect(() => {
    const now = performance.now();
    if (said.state !== state) setSaid({ state, text: `${WORDS[state].word}.`, since: now });
    else if (state === "live" && at !== undefined && now - said.since > SAY_EVERY)
      setSaid({ state, text: `Figures changed at ${at}.`, since: now });
  }, [state, at]);
  return said.text;
}
