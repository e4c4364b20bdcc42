/** Milliseconds between two attempts. */
const AGAIN = 500;

/**
 * Cancels what connections are doing once the signal comes, and again until told to stop: a cancel that reaches a
 * session between two of its statements is lost. Returns what stops it.
 */
export function cancelOnAbort(signal: AbortSignal | undefined, cancel: () => Promise<void>): () => void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const attempt = async () => {
    await cancel().catch(() => {});
    if (!stopped) timer = setTimeout(attempt, AGAIN);
  };
  signal?.addEventListener("abort", attempt, { once: true });
  return () => {
    stopped = true;
    clearTimeout(timer);
    signal?.removeEventListener("abort", attempt);
  };
}
