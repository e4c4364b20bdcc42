import { restated, UserError } from "../model/errors.ts";
import type { KeptRelease } from "../plan/rollback-plan.ts";
import { contentBefore, contentOf, withContent } from "./chain.ts";
import type { StoredRelease } from "./store.ts";

type Kept = StoredRelease & KeptRelease;

/** The releases that can be gone back to. */
export function keptOf(releases: readonly StoredRelease[]): Kept[] {
  return releases.filter((one): one is Kept => one.status === "published" && one.manifest !== undefined);
}

/** @throws UserError that says which there are */
export function chooseRelease(releases: readonly StoredRelease[], to: number | undefined, environment: string): Kept {
  const published = releases.filter(({ status }) => status === "published");
  if (!published.length) throw nothingPublished(environment);
  const kept = keptOf(releases);
  const wanted = to ?? contentBefore(published);
  if (wanted === null) throw nothingBefore(published[0]!, environment);
  const chosen = withContent(kept, wanted);
  if (chosen) return chosen;
  const known = releases.find(({ release }) => release === wanted);
  const which = to === undefined ? `release ${wanted}, which was published before,` : `release ${wanted}`;
  throw new UserError({
    message: !known
      ? `there is no release ${wanted} in environment ${environment}`
      : known.status === "published"
        ? `${which} is no longer kept`
        : `release ${wanted} was never published`,
    expected: offered(kept, published[0]!),
    ...(known && known.status !== "published" ? { found: `it is ${known.status}` } : {}),
    hint: "`dataform releases` lists them; --keep-releases and --keep-for of run say how many are kept",
  });
}

/**
 * Where there is nothing to go back to, what was asked for besides can be had by itself.
 * @param holds whether a hold was asked for, too
 */
export function choosing<T>(holds: boolean, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!holds || !(error instanceof UserError)) throw error;
    const alone = "nothing was held: `dataform env hold` holds the environment as it is";
    throw restated(error, { hint: error.hint ? `${error.hint}; ${alone}` : alone });
  }
}

/** Whole runs: of one that operations split the last release, and not what readers see already. */
function offered(kept: readonly Kept[], now: StoredRelease): string {
  const last = new Map([...kept].sort((a, b) => a.release - b.release).map((one) => [one.runId, one]));
  const others = [...last.values()].filter((one) => contentOf(one) !== contentOf(now)).map(({ release }) => release);
  return others.length
    ? `one of ${others.sort((a, b) => b - a).join(", ")}`
    : "a release of an earlier run, and none is kept";
}

function nothingPublished(environment: string): UserError {
  return new UserError({
    message: `nothing has been published in environment ${environment} yet`,
    hint: "`dataform run` builds and publishes a release",
  });
}

function nothingBefore(now: StoredRelease, environment: string): UserError {
  const content = contentOf(now);
  return new UserError({
    message: `environment ${environment} has no earlier release to go back to`,
    found:
      content === now.release
        ? `release ${now.release}, the first one`
        : `release ${now.release}, with the content of release ${content}, the first one`,
    hint: "`dataform rollback <release>` goes to any that `dataform releases` lists as kept",
  });
}
