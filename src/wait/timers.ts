/** Does something once, after so many milliseconds. Returns what keeps it from being done. */
export function after(milliseconds: number, work: () => void): () => void {
  const timer = setTimeout(work, milliseconds);
  return () => clearTimeout(timer);
}

/** Does something again and again. Returns what ends that. */
export function repeatedly(milliseconds: number, work: () => void): () => void {
  const timer = setInterval(work, milliseconds);
  return () => clearInterval(timer);
}

/** What the work gives, or `late` where it takes longer than so many milliseconds. */
export async function within<T>(milliseconds: number, work: Promise<T>, late: () => T | Promise<T>): Promise<T> {
  let stop = () => {};
  const limit = new Promise<T>((resolve, reject) => {
    stop = after(milliseconds, () => void Promise.resolve().then(late).then(resolve, reject));
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    stop();
  }
}

/** What the work gives, unless the signal comes before. */
export async function heeding<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    const end = () => reject(signal.reason as Error);
    signal.addEventListener("abort", end, { once: true });
    stop = () => signal.removeEventListener("abort", end);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    stop();
    // Where the signal won, how the work ends is nobody's error.
    work.catch(() => {});
  }
}
