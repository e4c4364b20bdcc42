import type { Client } from "../postgres/client.ts";
import { analysed } from "./analysed.ts";
import { askByViews, askForTrees, type Question, type ViewQuestion } from "./ask.ts";
import { type Draft, draftOf, untoldDraft, withColumns, withoutSources } from "./draft.ts";
import { inParts } from "./parts.ts";
import { columnsOf, type Relations } from "./relations.ts";
import type { StandIns } from "./stand-ins.ts";
import { required } from "./tree/nodes.ts";
import type { Tree } from "./tree/read-tree.ts";

/** One text of an action that is asked about. */
export type Asked = Question & { readonly key: string };

/** What the server answers about texts of actions. */
export class Answers {
  readonly #client: Client;
  readonly #relations: Relations;
  readonly #standIns: StandIns;
  /** Keys of actions whose answer is good this time only: not all that it depends on is looked at. */
  readonly fleeting = new Set<string>();

  constructor(client: Client, relations: Relations, standIns: StandIns) {
    this.#client = client;
    this.#relations = relations;
    this.#standIns = standIns;
  }

  async ofTexts(questions: readonly Asked[]): Promise<Draft[]> {
    return inParts(
      this.#client,
      questions,
      async (some) => this.#drafts(some, await askForTrees(this.#client, some)),
      ({ key }, why) => this.untold(key, why),
    );
  }

  /** Of views that are made for it: also the columns that they have. */
  ofViews(questions: readonly (Asked & ViewQuestion)[]): Promise<Draft[]> {
    return inParts(
      this.#client,
      questions,
      async (some) => {
        const views = await askByViews(this.#client, some);
        await this.#relations.learn(views.map(({ oid }) => oid));
        const trees = views.map(({ tree }) => tree);
        const found = await this.#drafts(some, trees);
        if (isShared(some)) for (const { key, view } of some) this.#standIns.standsFor(key, view);
        return found.map((draft, at) => withColumns(draft, columnsOf(this.#relations.get(views[at]!.oid)!)));
      },
      ({ key }, why) => this.untold(key, why),
      true,
    );
  }

  untold(key: string, why: string): Draft {
    this.fleeting.add(key);
    return untoldDraft(why);
  }

  async #drafts(asked: readonly Asked[], trees: readonly Tree[]): Promise<Draft[]> {
    const found = trees.map((tree) => (tree === null ? undefined : analysed(required(tree, "query"))));
    const queries = found.flatMap((one) => one ?? []);
    await this.#relations.learn(
      queries.flatMap(({ relations, writes }) => [...relations, ...writes.map((one) => one.relation)]),
    );
    await this.#relations.learnFunctions(queries.flatMap(({ functions }) => [...functions]));
    return found.map((one, index) => {
      if (!one) return withoutSources([]);
      if (one.functions.size) this.fleeting.add(asked[index]!.key);
      return draftOf(one, this.#relations, this.#standIns.nameOf, this.#relations.readers(one.functions));
    });
  }
}

/** Of questions that are asked together: what they make stays. */
function isShared(questions: readonly ViewQuestion[]): boolean {
  return questions.every(({ before }) => before === undefined);
}
