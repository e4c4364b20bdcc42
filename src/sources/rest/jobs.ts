import { isIP } from "node:net";
import type { RestStream } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { getJson, readJson } from "../http/answer.ts";
import { isPublicAddress } from "../http/network.ts";
import { createHttpReader, type HttpReader } from "../http/reader.ts";
import { isTrusted, leadTo } from "../http/request.ts";
import { atPath, type JsonDocument } from "../json/document.ts";
import { type AskedValues, fill } from "./fill.ts";
import { textAt } from "./paging.ts";

type Job = NonNullable<RestStream["job"]>;

/** Where a finished report is. */
export interface Report {
  readonly url: URL;
  /** A file that was made for the report, perhaps at a store of somebody else; otherwise the API's own pages. */
  readonly isFile: boolean;
}

/**
 * Orders a report and waits until it is ready.
 * @param orderUrl with its query parameters
 * @param at the URL of a path of the API
 */
export async function orderReport(
  job: Job,
  orderUrl: URL,
  values: AskedValues,
  at: (path: string) => URL,
  reader: HttpReader,
): Promise<Report> {
  const id = idOf(await order(job, orderUrl, values, reader), job, orderUrl, reader);
  const pathOf = (path: string) => at(path.replaceAll("{id}", encodeURIComponent(id)));
  const statusUrl = pathOf(job.statusPath);
  const status = await untilDone(job, statusUrl, reader);
  if (job.resultPath !== undefined) return { url: pathOf(job.resultPath), isFile: false };
  const link = textAt(status, job.resultUrlField ?? "");
  if (link !== undefined) return { url: leadTo(statusUrl, link), isFile: true };
  throw failed(`the report of ${place(statusUrl)} is ready and nothing says where`, status, reader, {
    expected: `a URL at "${job.resultUrlField ?? ""}" (job.resultUrlField), or job.resultPath`,
  });
}

function order({ method, body }: Job, url: URL, values: AskedValues, reader: HttpReader): Promise<JsonDocument> {
  if (method === "GET") return getJson(reader, url);
  const headers = { accept: "application/json", "content-type": "application/json" };
  const filled = JSON.stringify(fill(body ?? {}, values));
  return reader.call({ url, method, headers, body: filled }, (answer) => readJson(answer, reader));
}

function idOf(answer: JsonDocument, job: Job, url: URL, reader: HttpReader): string {
  const id = textAt(answer, job.idPath);
  if (id !== undefined) return id;
  throw failed(`the order at ${place(url)} gave no id`, answer, reader, { expected: `an id at "${job.idPath}"` });
}

async function untilDone(job: Job, url: URL, reader: HttpReader): Promise<JsonDocument> {
  const deadline = reader.now() + job.timeoutSeconds * 1000;
  for (;;) {
    const answer = await getJson(reader, url);
    const value = atPath(answer.value, job.statusField);
    const status = value === undefined ? "without a status" : String(value);
    if (job.done.includes(status)) return answer;
    if (job.failed.includes(status)) {
      throw failed(`the report of ${place(url)} failed`, answer, reader, {
        expected: `${job.statusField}: ${job.done.join(", ")}`,
        hint: "order something else or less (params, body), or try again later",
      });
    }
    if (reader.now() + job.pollSeconds * 1000 > deadline) {
      throw failed(`the report of ${place(url)} was not ready within ${job.timeoutSeconds} s`, answer, reader, {
        expected: `${job.statusField}: ${job.done.join(", ")}`,
        hint: "raise job.timeoutSeconds, or correct job.done and job.failed",
      });
    }
    await reader.wait(job.pollSeconds, `the report is ${reader.excerpt(status, 40)}`);
  }
}

/**
 * A reader for a file at a URL that the API gave: the API's own where it has its origin, otherwise one without
 * credentials that goes to that host only when it is public, or allowed.
 */
export function readerFor(url: URL, reader: HttpReader): HttpReader {
  const { authorizer: _, headers: __, policy, ...options } = reader.options;
  if (isTrusted(url, policy)) return reader;
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const mayBePublic = isIP(host) === 0 ? host !== "localhost" : isPublicAddress(host);
  const allowHosts = [...(policy.allowHosts ?? []), ...(mayBePublic ? [url.host] : [])];
  return createHttpReader({ ...options, policy: { ...policy, trusted: [], allowHosts } });
}

function failed(
  message: string,
  answer: JsonDocument,
  reader: HttpReader,
  details: { readonly expected: string; readonly hint?: string },
): UserError {
  const found = reader.excerpt(answer.source.text, 500);
  return new UserError({ message, ...details, found, exitCode: 1 });
}

function place(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
