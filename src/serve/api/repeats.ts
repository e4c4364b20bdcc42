import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { DeclaredEndpoint } from "../../model/api.ts";
import type { Measuring } from "../metrics-page.ts";
import type { QuickAnswer } from "../server.ts";
import type { PageFrom } from "./page.ts";

/** An answer as it was given, which is the same for whoever may ask for it, as long as readers have its release. */
export interface Repeat {
  readonly endpoint: DeclaredEndpoint;
  readonly release: number;
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer | undefined;
  readonly from: PageFrom;
}

/** Of a request all that its answer depends on, but for who asks; undefined for one that is not answered by what is known. */
export function signatureOf({ method, url, headers }: IncomingMessage): string | undefined {
  if (method !== "GET" || headers["cache-control"] !== undefined) return undefined;
  const { accept, origin } = headers;
  return `${url}${said(accept)}${said(headers["accept-encoding"])}${said(headers["if-none-match"])}${said(origin)}`;
}

/** No line end is in a header; an empty one is not none. */
function said(header: string | undefined): string {
  return header === undefined ? "\n" : `\n=${header}`;
}

interface Repeating {
  /** What was answered to such a request, where it would be answered so again. */
  readonly find: (signature: string) => Repeat | undefined;
  /** Whether whoever asks surely may: who is refused is told so elsewhere. */
  readonly admits: (request: IncomingMessage, endpoint: DeclaredEndpoint) => boolean;
  readonly onPage: (from: PageFrom) => void;
  readonly answered: Measuring["answered"] | undefined;
}

/** Gives the answers again that it can, byte for byte, counted as they are otherwise. */
export function repeating({ find, admits, onPage, answered }: Repeating): QuickAnswer {
  return (request, response) => {
    const signature = signatureOf(request);
    const repeat = signature === undefined ? undefined : find(signature);
    if (!repeat || !admits(request, repeat.endpoint)) return false;
    const { status, headers, body, from } = repeat;
    if (answered) measure(response, repeat, answered);
    response.writeHead(status, headers);
    response.end(body);
    onPage(from);
    return true;
  };
}

function measure(response: ServerResponse, { endpoint, status }: Repeat, answered: Measuring["answered"]): void {
  const begun = performance.now();
  response.once("finish", () => {
    answered({ kind: "page", endpoint: endpoint.path, status, seconds: (performance.now() - begun) / 1000 });
  });
}
