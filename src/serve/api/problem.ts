/** What a request was answered that cannot be done, as RFC 9457 has it. Shown to whoever asked: no SQL, no secret. */
export class Problem extends Error {
  readonly status: number;
  readonly type: ProblemType;
  readonly title: string;
  readonly detail: string | undefined;
  readonly errors: readonly Mistake[];
  readonly more: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(type: ProblemType, details: ProblemDetails = {}) {
    const { status, title } = TYPES[type];
    super(details.detail ?? title);
    this.type = type;
    this.status = status;
    this.title = title;
    this.detail = details.detail;
    this.errors = details.errors ?? [];
    this.more = details.more ?? {};
    this.headers = details.headers ?? {};
  }

  /** The body, `application/problem+json`. */
  body(instance: string): string {
    const { type, title, status, detail, errors, more } = this;
    return JSON.stringify({
      type: `urn:dataform-postgres:problem:${type}`,
      title,
      status,
      ...(detail === undefined ? {} : { detail }),
      instance,
      ...(errors.length ? { errors } : {}),
      ...more,
    });
  }
}

/** One thing that is wrong with a request, and where: `/query/day`. */
export interface Mistake {
  readonly pointer: string;
  readonly detail: string;
}

export function notPublished(): Problem {
  return notYet("nothing is published yet");
}

/** Of what is in no release. */
export function notThere(): Problem {
  return notYet("what this address reads is not there yet");
}

function notYet(detail: string): Problem {
  return new Problem("too-busy", { detail, headers: { "retry-after": "30" } });
}

export function gone(release: number, current: number | null): Problem {
  return new Problem("release-gone", {
    detail: `release ${release} is not kept any more: begin again with the published one`,
    more: { current },
  });
}

interface ProblemDetails {
  readonly detail?: string;
  readonly errors?: readonly Mistake[];
  readonly more?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** docs/serve.md has a paragraph for each. */
export const TYPES = {
  "invalid-request": { status: 400, title: "The request says something that cannot be" },
  unauthorized: { status: 401, title: "A key is needed" },
  forbidden: { status: 403, title: "The key does not reach this" },
  "not-found": { status: 404, title: "There is nothing at this address" },
  "method-not-allowed": { status: 405, title: "That is not done at this address" },
  "not-acceptable": { status: 406, title: "There is no answer in such a format" },
  "release-gone": { status: 410, title: "That release is gone" },
  "request-timeout": { status: 408, title: "The request was not there in time" },
  "too-large": { status: 413, title: "The request is too large" },
  "unsupported-media-type": { status: 415, title: "A body of this kind is not read" },
  "address-too-long": { status: 414, title: "The address is too long" },
  "misdirected-request": { status: 421, title: "This server answers to its own address only" },
  "too-many-requests": { status: 429, title: "The key asks too often" },
  "headers-too-large": { status: 431, title: "The headers are too large" },
  "internal-error": { status: 500, title: "The server failed" },
  "too-busy": { status: 503, title: "Too many requests wait" },
  "database-unavailable": { status: 503, title: "The database does not answer" },
  "queue-unavailable": { status: 503, title: "The queue does not answer" },
  "issuer-unavailable": { status: 503, title: "The keys of who signs tokens cannot be had" },
  "project-broken": { status: 503, title: "The project of the server does not compile" },
  "took-too-long": { status: 504, title: "The answer took too long" },
} as const;

export type ProblemType = keyof typeof TYPES;
