const keyOf = (name: string) => `dataform-${name}`;

/** What a reader has chosen for all pages. From disk some browsers keep nothing: then it is chosen anew each time. */
export function kept(name: string): string | null {
  try {
    return localStorage.getItem(keyOf(name));
  } catch {
    return null;
  }
}

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(keyOf(name), value);
  } catch {
    // As above.
  }
}
