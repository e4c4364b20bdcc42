/** Does something once, after so many milliseconds. Returns what keeps it from being done. */
export function after(milliseconds: number, work: () => void): () => void {
  const timer = setTimeout(work, milliseconds);
  return () => clearTimeout(timer);
}

/** Lets a connection end when nothing goes over it for so many milliseconds; 0: it may be quiet for as long as it likes. */
export function endWhenIdle(connection: { setTimeout(milliseconds: number): unknown }, milliseconds: number): void {
  connection.setTimeout(milliseconds);
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
  // Where the signal won, how the work ends is nobody's error.
  work.catch(() => {});
  signal.throwIfAborted();
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
  }
}

/** The same of each item: what gives them is left where it is once the signal comes. */
export async function* heedingEach<T>(items: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncIterable<T> {
  const iterator = items[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await heeding(iterator.next(), signal);
      if (done) return;
      yield value;
    }
  } finally {
    const closed = Promise.resolve(iterator.return?.());
    // What waits for its next item hears nothing else.
    if (signal?.aborted) closed.catch(() => {});
    else await closed;
  }
}
