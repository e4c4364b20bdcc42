import type { DeclaredEndpoint } from "../../model/api.ts";
import { UserError } from "../../model/errors.ts";
import { gone, Problem } from "./problem.ts";
import type { Releases } from "./releases.ts";
import { sourceIn } from "./sources.ts";
import type { Source } from "./statements.ts";
import { type Tags, tagsOf } from "./tags.ts";

/** What an endpoint reads of a release, and the tags of what is made of it. */
interface Ready {
  readonly source: Source;
  readonly tags: Tags;
}

/** Where the columns of endpoints stand in releases; kept until readers have another one. */
export class ReadySources {
  readonly #releases: Releases;
  readonly #known = new Map<string, Ready>();

  constructor(releases: Releases) {
    this.#releases = releases;
  }

  forget(): void {
    this.#known.clear();
  }

  /**
   * @param current what readers have now
   * @throws Problem where the release is collected, or has no such columns
   */
  async of(endpoint: DeclaredEndpoint, release: number, current: number | null): Promise<Ready> {
    const isCurrent = release === current;
    const key = `${endpoint.name} ${release} ${isCurrent}`;
    const known = this.#known.get(key);
    if (known) return known;
    const manifest = await this.#releases.manifest(release);
    if (!manifest) throw gone(release, current);
    try {
      const source = sourceIn(manifest, endpoint, isCurrent);
      const ready = { source, tags: tagsOf(endpoint, source, release) };
      this.#known.set(key, ready);
      return ready;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw new Problem("not-found", { detail: error.message });
    }
  }
}
