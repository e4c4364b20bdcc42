import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { formatUserError, UserError } from "../../model/errors.ts";
import { type Asked, FIGURES, OPERATORS, UNITS } from "../../model/explore.ts";
import { Problem } from "../api/problem.ts";
import { ProjectBroken, TooManyReleases } from "../catalogue.ts";
import type { Explore } from "./questions.ts";

/** @throws Problem where whoever asks may not. The signal, where there is one, comes when they may no longer. */
export type ExploreGate = (request: FastifyRequest) => Promise<AbortSignal | undefined>;

/** A select that a person writes, and all else of a question, in bytes. */
const LONGEST_QUESTION = 100_000;

const text = { type: "string", maxLength: LONGEST_QUESTION };
const list = (items: object, maxItems: number) => ({ type: "array", items, maxItems });
const closed = (properties: object, required: readonly string[]) => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});
const sorting = closed({ column: text, descending: { type: "boolean" } }, ["column", "descending"]);

const ASKED = closed(
  {
    picked: closed(
      {
        from: closed({ schema: text, name: text }, ["schema", "name"]),
        groups: list(closed({ column: text, unit: { enum: UNITS } }, ["column"]), 20),
        figures: list(closed({ of: { enum: FIGURES }, column: text }, ["of"]), 20),
        where: list(closed({ column: text, operator: { enum: OPERATORS }, value: text }, ["column", "operator"]), 50),
        sort: sorting,
      },
      ["from", "groups", "figures", "where"],
    ),
    select: text,
    order: list(sorting, 50),
    ties: list(text, 2_000),
    limit: { type: "integer", minimum: 1 },
  },
  ["order", "ties", "limit"],
);

/**
 * What the page that explores asks: JSON, of pages of this server alone. Nothing is asked by cookies, so that no other page can ask
 * in somebody's name; where no key is needed, because only this machine reaches the server, a browser says whose page it is.
 */
export function addExplore(server: FastifyInstance, explore: Explore, gate: ExploreGate): void {
  const allowed = new WeakMap<FastifyRequest, AbortSignal>();
  // Before anything that they send is read.
  const onRequest = async (request: FastifyRequest) => {
    refuseOtherPages(request);
    const revoked = await gate(request);
    if (revoked) allowed.set(request, revoked);
  };
  const answering = async <T>(
    request: FastifyRequest,
    reply: FastifyReply,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<unknown> => {
    const gone = new AbortController();
    // Nobody waits for it any more: the statement is cancelled.
    reply.raw.once("close", () => gone.abort(new Error("whoever asked is gone")));
    const revoked = allowed.get(request);
    const signal = revoked ? AbortSignal.any([gone.signal, revoked]) : gone.signal;
    const answer = await work(signal).catch((error) => {
      throw told(error);
    });
    reply.header("cache-control", "no-store").type("application/json; charset=utf-8");
    return reply.send(JSON.stringify(answer));
  };
  server.get("/explore/catalogue", { onRequest }, (request, reply) =>
    answering(request, reply, (signal) => explore.catalogue(signal)),
  );
  server.post<{ Body: Asked }>(
    "/explore/answer",
    { onRequest, bodyLimit: LONGEST_QUESTION, schema: { body: ASKED } },
    (request, reply) => answering(request, reply, (signal) => explore.answer(request.body, signal)),
  );
}

/** SQLSTATEs, and codes of the system, for a database that is not reached, does not let the login in, or has no room. */
const NOT_OF_THE_QUESTION = /^(?:08|28|3D|53|57P|E[A-Z])/;

/** What is wrong with a question is told as it is: whoever asks wrote it, and sees nothing in it that they may not read. */
function told(error: unknown): unknown {
  if (error instanceof ProjectBroken) return brokenProject(error);
  if (error instanceof TooManyReleases)
    return new Problem("too-busy", {
      detail: error.message,
      more: { hint: error.hint },
      headers: { "retry-after": "1" },
    });
  if (!(error instanceof UserError) || NOT_OF_THE_QUESTION.test(error.code ?? "")) return error;
  const { message, location, snippet, expected, found, hint, code } = error;
  const place = location?.line === undefined ? {} : { line: location.line, column: location.column };
  return new Problem("invalid-request", { detail: message, more: { snippet, expected, found, hint, code, ...place } });
}

/** Mistakes that are told; whoever runs the server reads all of them. */
const MOST_MISTAKES = 20;

function brokenProject({ errors }: ProjectBroken): Problem {
  return new Problem("project-broken", {
    detail:
      "a release was published, and the project in the folder of the server, which says what relations mean, does not compile: it is no mistake of the question",
    more: {
      found: errors.slice(0, MOST_MISTAKES).map(formatUserError).join("\n"),
      hint: "whoever runs the server mends the project, or brings its folder to the code of the release; then questions are answered again, without a restart",
    },
    headers: { "retry-after": "5" },
  });
}

/** @throws Problem for what a page of somebody else's asks: a browser says so in one of these, and lets no page change them */
function refuseOtherPages({ headers, host }: FastifyRequest): void {
  const { origin, "sec-fetch-site": site } = headers;
  const isOwn = origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
  if (isOwn && (site === undefined || site === "same-origin" || site === "none")) return;
  throw new Problem("misdirected-request", { detail: "only pages of this server may ask here" });
}
