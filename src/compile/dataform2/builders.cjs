// `.config({…})` and `.type("…")` of builders, and `config({…})` within a query, as Dataform 2 has them: core 3 wants to know
// both when an action is made, so the action is made anew, and what it was told before is told again.
"use strict";

const { isPlain, merged } = require("./forms.cjs");
const { wrongCall } = require("../config.cjs");

// Methods that are asked, and say nothing of the action.
const ASKED = new Set(["compile", "getFileName", "getHasOutput", "getTarget"]);

// What a query itself says of its action. The second half is what it says where core makes SQL of it, and has heard it.
const SAID_IN_QUERY = /(?<![\w$])(?:config|type|hasOutput)\s*\(/;
const HEARD = Object.fromEntries(["config", "type", "hasOutput"].map((key) => [key, { value: () => "" }]));

const behind = new WeakMap();

/** Core's own, of what the project is given in place of it. */
const builderOf = (facade) => behind.get(facade)?.() ?? facade;

/** Gives the builders of a session their old methods. @returns tells the actions what their queries say of them */
function patchBuilders(session) {
  const inQueries = [];
  for (const [method, takesSql] of Object.entries({ publish: "query", operate: "queries", assert: "query" })) {
    const make = session[method].bind(session);
    session[method] = (name, said, ...rest) => {
      // Core says the file where it asks for what a config asserts: nobody goes on with that one.
      if (said?.filename !== undefined) return make(name, said, ...rest);
      const isSql = said !== undefined && !isPlain(said);
      const action = new Changeable(session, (config) => make(name, config), { config: isSql ? {} : said, inQueries });
      const builder = action.of(make(name, isSql ? heard(said) : said, ...rest));
      if (isSql) action.tell(takesSql, [said]);
      return builder;
    };
  }
  const declare = session.declare.bind(session);
  session.declare = (config, ...rest) =>
    new Changeable(session, declare, { config, inQueries }).of(declare(config, ...rest));
  return () => {
    for (const [builder, query] of inQueries) ask(builder, query);
  };
}

/** An action of a session that may become another, and what it has been told. */
class Changeable {
  #session;
  #make;
  #config;
  #inQueries;
  #builder;
  #told = [];
  #facade;

  constructor(session, make, { config = {}, inQueries }) {
    this.#session = session;
    this.#make = make;
    this.#config = config;
    this.#inQueries = inQueries;
  }

  /** What the project is given in place of core's builder. */
  of(builder) {
    this.#builder = inItsSchema(builder);
    this.#facade = new Proxy(builder, {
      get: (_, key) => this.#get(key),
      set: (_, key, value) => Reflect.set(this.#builder, key, value),
    });
    behind.set(this.#facade, () => this.#builder);
    return this.#facade;
  }

  tell(key, given) {
    const [query] = given;
    const isOfAction = (key === "query" || key === "queries") && typeof query === "function";
    if (isOfAction && SAID_IN_QUERY.test(String(query))) this.#inQueries.push([this.#facade, query]);
    const told = isOfAction ? [heard(query)] : given;
    this.#told.push([key, told]);
    return told;
  }

  #get(key) {
    if (key === "config") return (more) => this.#become(more);
    if (key === "type" && this.#builder.type) return (type) => this.#become({ type });
    const value = this.#builder[key];
    if (typeof value !== "function") return value;
    if (ASKED.has(key)) return value.bind(this.#builder);
    return (...given) => {
      const answer = value.apply(this.#builder, this.tell(key, given));
      // Not every method of core gives its builder back.
      return answer === this.#builder || answer === undefined ? this.#facade : answer;
    };
  }

  #become(more) {
    if (!isPlain(more)) throw wrongCall("config()", "an object: .config({ type: … })", more);
    const { actions } = this.#session;
    const { uniqueKeyAssertions = [], rowConditionsAssertion } = this.#builder;
    const old = new Set([this.#builder, ...uniqueKeyAssertions, rowConditionsAssertion]);
    const at = actions.findIndex((action) => old.has(action));
    const kept = actions.filter((action) => !old.has(action));
    this.#config = merged(this.#config, more);
    actions.length = 0;
    this.#builder = inItsSchema(this.#make(this.#config));
    for (const [key, given] of this.#told) this.#builder[key](...given);
    actions.unshift(...kept.slice(0, at));
    actions.push(...kept.slice(at));
    return this.#facade;
  }
}

// Core 3 leaves an action in the schema it was made in where it looks for two of one name, and for what a config says of it.
function inItsSchema(builder) {
  const { schema } = builder;
  if (typeof schema === "function")
    builder.schema = (name, ...rest) => {
      const answer = schema.call(builder, name, ...rest);
      if (builder.proto.canonicalTarget && typeof name === "string" && name)
        builder.proto.canonicalTarget.schema = name;
      return answer;
    };
  return builder;
}

function heard(query) {
  if (typeof query !== "function" || !SAID_IN_QUERY.test(String(query))) return query;
  return (context) => query(Object.create(context, HEARD));
}

/** Has a query say what it says of its action, before anything is made of it. */
function ask(builder, query) {
  const answers = {
    when: (condition, yes, no = "") => (condition ? yes : no),
    incremental: () => false,
    config: (said) => tell(builder, "config", said),
    type: (said) => tell(builder, "type", said),
    hasOutput: (said) => tell(builder, "hasOutput", said),
  };
  try {
    query(new Proxy(answers, { get: (known, key) => known[key] ?? (() => "") }));
  } catch (error) {
    // What else is wrong in it is told where it is compiled.
    if (error?.message?.startsWith("Config: ")) throw error;
  }
}

function tell(builder, key, said) {
  builder[key](said);
  return "";
}

module.exports = { builderOf, patchBuilders };
