/**
 * What V8 is told, so that it optimizes what has run for eight times its usual while: a command is short, and more than a
 * quarter of a run's processor time went into optimizing what was then hardly called again. What loops over rows is optimized all
 * the same. Node 20 alone has the flag; later ones would refuse it, and have a quicker compiler before that one.
 */
export const OPTIMIZE_LATER: readonly string[] = process.versions.v8.startsWith("11.")
  ? ["--interrupt-budget=540672"]
  : [];
