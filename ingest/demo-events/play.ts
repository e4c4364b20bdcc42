import { requestsOf, type SentRequest, type VisitorsOptions } from "./visitors.ts";

export interface PlayOptions extends VisitorsOptions {
  /** Where events are taken. */
  readonly to: string;
  /** How many seconds of theirs pass in one of ours: 60 plays an hour in a minute. */
  readonly speed: number;
  /** A write key, where one is needed. */
  readonly key?: string | undefined;
  readonly signal: AbortSignal;
  readonly onAnswer?: (status: number, events: number) => void;
}

/** Sends what visitors send, when they send it, until the signal comes. What is not taken is sent again, as a page does. */
export async function play({ to, speed, key, signal, onAnswer, ...world }: PlayOptions): Promise<void> {
  const begun = performance.now();
  const going = new Set<Promise<void>>();
  for (const request of requestsOf(world)) {
    const due = (request.at - world.from) / speed;
    await until(begun + due, signal);
    if (signal.aborted) break;
    const sending = send(to, request, key, signal, onAnswer).finally(() => going.delete(sending));
    going.add(sending);
  }
  await Promise.all(going);
}

async function send(
  to: string,
  { sent_at, events }: SentRequest,
  key: string | undefined,
  signal: AbortSignal,
  onAnswer: PlayOptions["onAnswer"],
): Promise<void> {
  const headers = { "content-type": "application/json", ...(key === undefined ? {} : { "x-api-key": key }) };
  for (let wait = 250; ; wait = Math.min(wait * 2, 10_000)) {
    const answer = await fetch(to, { method: "POST", headers, body: JSON.stringify({ sent_at, events }) }).catch(
      () => undefined,
    );
    await answer?.arrayBuffer().catch(() => undefined);
    if (answer) onAnswer?.(answer.status, events.length);
    if ((answer && answer.status < 500 && answer.status !== 429) || signal.aborted) return;
    await until(performance.now() + wait, signal);
  }
}

function until(moment: number, signal: AbortSignal): Promise<void> {
  const left = moment - performance.now();
  if (left <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, left);
    signal.addEventListener("abort", end, { once: true });
  });
}
