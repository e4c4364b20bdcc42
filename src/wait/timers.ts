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
