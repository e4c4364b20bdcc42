import type { Catalog } from "../model/catalog.ts";
import {
  type Action,
  type Api,
  type Assertion,
  type CompiledGraph,
  type Dashboard,
  type Incremental,
  isModel,
  isShowing,
  type Model,
  type Operations,
} from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import { authoredAll, authoredQuery } from "../plan/authored-statements.ts";
import { inDependencyOrder } from "../plan/order.ts";
import { isOfSeed, tried } from "../plan/shape.ts";
import type { Client } from "../postgres/client.ts";
import { fingerprint } from "../sql/fingerprint.ts";
import { plainReferences } from "../sql/references.ts";
import { splitStatements } from "../sql/split.ts";
import { empty, type Sql, sql } from "../sql/sql.ts";
import { sqlOf } from "../sql/statement.ts";
import { Answers, type Asked } from "./answers.ts";
import type { ViewQuestion } from "./ask.ts";
import { CACHE_VERSION, type Cached, hashOf } from "./cache.ts";
import { type Draft, untoldDraft, withColumns, withoutSources } from "./draft.ts";
import { asWritten, bothOf, inARow } from "./merge.ts";
import type { Named, Relations } from "./relations.ts";
import { Remembered } from "./remembered.ts";
import { shownQueries } from "./shown.ts";
import { StandIns } from "./stand-ins.ts";
import { tellable } from "./statements.ts";

/** What the queries of a project's actions say. */
export class Actions {
  readonly #client: Client;
  readonly #catalog: Catalog;
  readonly #relations: Relations;
  readonly byKey: ReadonlyMap<string, Action>;
  readonly settled = new Map<string, Draft>();
  readonly standIns: StandIns;
  readonly #answers: Answers;
  readonly #remembered: Remembered;

  constructor(client: Client, graph: CompiledGraph, catalog: Catalog, relations: Relations, cached: Cached) {
    this.#client = client;
    this.#catalog = catalog;
    this.#relations = relations;
    const actions = graph.actions.filter((one) => !one.disabled || isModel(one));
    this.byKey = new Map(inDependencyOrder(actions).map((action) => [targetKey(action.target), action]));
    this.standIns = new StandIns(catalog, this.byKey, this.settled);
    this.#answers = new Answers(client, relations, this.standIns);
    this.#remembered = new Remembered(cached, relations, this.standIns, this);
  }

  /** All of them, those first that others read. */
  async settle(): Promise<void> {
    const { rows } = await this.#client.query<{ path: string }>(
      sql`select pg_catalog.current_setting('search_path') as path`,
    );
    const around = hashOf([CACHE_VERSION, Math.floor(this.#catalog.serverVersion / 10_000), rows[0]!.path]);
    const actions = [...this.byKey.values()];
    this.#remembered.learn(
      actions.map((action) => [
        targetKey(action.target),
        `${around}.${isModel(action) ? fingerprint(action) : codeOf(action)}`,
      ]),
    );
    const foreign = actions.filter((one) => !isModel(one)).map(({ target }) => target);
    const wanted = new Map([...foreign, ...this.#remembered.inputs()].map((one) => [targetKey(one), one]));
    await this.#relations.named([...wanted].flatMap(([key, one]) => (this.standIns.isModel(key) ? [] : [one])));
    for (const level of levelsOf(actions)) await this.#settleLevel(level);
  }

  async #settleLevel(level: readonly Action[]): Promise<void> {
    const open = level.filter((action) => action.kind !== "declaration" && !this.#recall(action));
    await this.standIns.ensure(
      open.flatMap(({ dependencies }) => dependencies.map(targetKey)),
      this.#client,
    );
    const queries = open
      .filter((one) => isModel(one) || one.kind === "assertion")
      .filter((one) => !this.#isSettled(one));
    await this.#askForTrees(queries.filter((one) => !isModel(one) || this.#isReleased(one)));
    await this.#askByViews(queries.filter(isModel).filter(({ target }) => !this.settled.has(targetKey(target))));
    await this.#askForIncrements(queries.filter((one) => one.kind === "incremental"));
    for (const action of open) if (action.kind === "operations") await this.#askForStatements(action);
    await this.#askForShown(open.filter(shows));
    for (const action of open) this.#remember(action);
  }

  /** Settles it by what was answered before, where that is still good. */
  #recall(action: Action): boolean {
    const key = targetKey(action.target);
    const published = this.#published(action);
    const isGood = (draft: Draft) => !published || fits(draft, published) || hasPostOperations(action);
    const kept = this.#remembered.take(key, isGood);
    if (kept) this.settled.set(key, published ? withColumns(kept, published) : kept);
    return kept !== undefined;
  }

  #remember(action: Action): void {
    const key = targetKey(action.target);
    const draft = this.settled.get(key);
    if (draft && !this.#answers.fleeting.has(key)) this.#remembered.put(key, draft);
  }

  /** Settles what cannot be asked about. */
  #isSettled(action: Model | Assertion): boolean {
    const key = targetKey(action.target);
    const published = this.#catalog.manifest[key]?.columns ?? [];
    const unknown = action.dependencies
      .map(targetKey)
      .find((name) => name !== key && this.standIns.isModel(name) && !this.standIns.of(name));
    const refused = isModel(action) ? action.refused?.message : undefined;
    const why = refused ?? (unknown === undefined ? undefined : `it reads ${unknown}, of which nothing can be told`);
    if (why !== undefined) {
      this.settled.set(key, untoldDraft(why, published));
      this.#answers.fleeting.add(key);
      return true;
    }
    // Its rows stand in its query, and come from nowhere else.
    if (isModel(action) && isOfSeed(action) && this.#isReleased(action)) {
      this.settled.set(key, withoutSources(published));
      return true;
    }
    return false;
  }

  /** Whether what is published was made of the model as it is written now. */
  #isReleased(model: Model): boolean {
    const key = targetKey(model.target);
    const known = this.#released.get(key);
    if (known !== undefined) return known;
    const entry = this.#catalog.manifest[key];
    const is = entry !== undefined && entry.kind === model.kind && entry.fingerprint === fingerprint(model);
    this.#released.set(key, is);
    return is;
  }
  readonly #released = new Map<string, boolean>();

  #question(file: string, text: string, where?: string): Sql {
    const { resolve } = this.standIns;
    return sqlOf(authoredQuery("read", { file, text, where, resolve, before: empty }));
  }

  #before(file: string, operations: readonly string[]): { readonly before?: Sql[] } {
    const before = authoredAll(file, operations, this.standIns.resolve).flatMap(tried).map(sqlOf);
    return before.length ? { before } : {};
  }

  /** Of assertions, and of models that are as they were published: what reads them has the private object. */
  async #askForTrees(actions: readonly (Model | Assertion)[]): Promise<void> {
    const questions = actions.map(
      (action): Asked => ({
        key: targetKey(action.target),
        statement: this.#question(action.file, action.query),
        ...(isModel(action) ? this.#before(action.file, action.preOperations) : {}),
      }),
    );
    for (const [index, draft] of (await this.#answers.ofTexts(questions)).entries()) {
      const action = actions[index]!;
      const { key } = questions[index]!;
      const published = this.#published(action);
      if (!published) this.settled.set(key, draft);
      // What the tables that it reads have become since is in no release yet: it is as a model that was changed.
      else if (!draft.columns.length || hasPostOperations(action) || fits(draft, published))
        this.settled.set(key, withColumns(draft, published));
    }
  }

  /** The columns with which a model was published that is as it was then. */
  #published(action: Action): readonly Named[] | undefined {
    if (!isModel(action) || !this.#isReleased(action)) return undefined;
    return this.#catalog.manifest[targetKey(action.target)]!.columns;
  }

  async #askByViews(models: readonly Model[]): Promise<void> {
    const questions = models.map((model): Asked & ViewQuestion => ({
      key: targetKey(model.target),
      view: this.standIns.nextView(),
      statement: this.#question(model.file, model.query),
      ...this.#before(model.file, model.preOperations),
      withoutTree: isOfSeed(model),
    }));
    const drafts = await this.#answers.ofViews(questions);
    for (const [at, { key }] of questions.entries()) {
      const published = this.#catalog.manifest[key]?.columns ?? [];
      this.settled.set(key, drafts[at]!.columns.length ? drafts[at]! : withColumns(drafts[at]!, published));
    }
  }

  async #askForIncrements(models: readonly Incremental[]): Promise<void> {
    const other = models.filter(
      ({ incrementalQuery, incrementalWhere, query }) => incrementalQuery !== query || incrementalWhere !== undefined,
    );
    await this.standIns.ensure(
      other.map(({ target }) => targetKey(target)),
      this.#client,
    );
    const questions = other.map((model): Asked => {
      const { target, file, incrementalQuery, incrementalWhere, incrementalPreOperations } = model;
      return {
        key: targetKey(target),
        statement: this.#question(file, incrementalQuery, incrementalWhere),
        ...this.#before(file, incrementalPreOperations),
      };
    });
    for (const [at, draft] of (await this.#answers.ofTexts(questions)).entries()) {
      const { key } = questions[at]!;
      this.settled.set(key, bothOf(this.settled.get(key)!, draft));
    }
  }

  async #askForStatements({ target, file, queries }: Operations): Promise<void> {
    const key = targetKey(target);
    const statements = authoredAll(file, queries, this.standIns.resolve);
    const texts = queries.flatMap(splitStatements).map((text) => plainReferences(text).trim());
    const kinds = statements.map((one) => tellable(one.sql));
    const asked = kinds.map((kind, at): Asked | undefined => {
      if (kind === "ask") return { key, statement: sqlOf(statements[at]!) };
      return typeof kind === "object" && "query" in kind ? { key, statement: kind.query } : undefined;
    });
    const questions = asked.flatMap((one) => one ?? []);
    const answers = new Map((await this.#answers.ofTexts(questions)).map((draft, at) => [questions[at]!, draft]));
    const drafts = kinds.map((kind, at): Draft => {
      const draft = (asked[at] && answers.get(asked[at])) ?? withoutSources([]);
      if (typeof kind !== "object") return draft;
      return "untold" in kind ? untoldDraft(kind.untold) : asWritten(draft, this.#keyOf(kind.made, target));
    });
    this.settled.set(key, inARow(drafts, texts));
  }

  /** Dashboards and APIs: all that their queries use decides what they show. */
  async #askForShown(shown: readonly (Dashboard | Api)[]): Promise<void> {
    const asked = shown.map((action) => {
      const { target, file } = action;
      const queries = shownQueries(action);
      const questions = queries.map(
        ({ text }): Asked => ({ key: targetKey(target), statement: this.#question(file, text) }),
      );
      return { target, names: queries.map(({ name }) => name), questions };
    });
    const questions = asked.flatMap((one) => one.questions);
    const answers = new Map((await this.#answers.ofTexts(questions)).map((draft, at) => [questions[at]!, draft]));
    for (const { target, names, questions } of asked) {
      const drafts = questions.map((one) => answers.get(one)!);
      this.settled.set(targetKey(target), inARow(drafts, names));
    }
  }

  /** A relation as a statement names it; without a schema only that of the action itself is meant for sure. */
  #keyOf(parts: readonly string[], own: Target): string | undefined {
    const [name, schema] = parts.toReversed();
    if (name === undefined || (schema === undefined && name !== own.name)) return undefined;
    const target = { schema: schema ?? own.schema, name };
    const key = targetKey(target);
    if (!this.byKey.has(key)) this.standIns.met.set(key, target);
    return key;
  }
}

/** All that an answer is made of but the columns of what is read. */
function codeOf(action: Action): string {
  const { file: _, tags: __, description: ___, columns: ____, ...code } = action;
  return hashOf(code);
}

function shows(action: Action): action is Dashboard | Api {
  return isShowing(action.kind);
}

function hasPostOperations(action: Action): boolean {
  return isModel(action) && action.postOperations.length > 0;
}

function fits(draft: Draft, columns: readonly Named[]): boolean {
  return draft.columns.length === columns.length && draft.columns.every(({ name }, at) => name === columns[at]!.name);
}

/** The actions, each in a level behind all that it depends on. */
function levelsOf(actions: readonly Action[]): Action[][] {
  const levels: Action[][] = [];
  const of = new Map<string, number>();
  for (const action of actions) {
    const level = Math.max(0, ...action.dependencies.map((target) => (of.get(targetKey(target)) ?? -1) + 1));
    of.set(targetKey(action.target), level);
    levels[level] ??= [];
    levels[level].push(action);
  }
  return levels;
}
