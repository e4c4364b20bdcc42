/** Characters of the texts that are kept for each function, some MB. */
const MOST = 2_000_000;

/**
 * A function of a text that is asked of the same ones again and again: a planner looks at a model's statements from several sides,
 * and a run plans a model three times. What it gave for the last texts is kept, and must not be changed.
 */
export function remembered<T>(of: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  let size = 0;
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const made = of(text);
    if (text.length > MOST) return made;
    known.set(text, made);
    size += text.length;
    for (const oldest of known.keys()) {
      if (size <= MOST) break;
      known.delete(oldest);
      size -= oldest.length;
    }
    return made;
  };
}
