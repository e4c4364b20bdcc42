import { type Dispatcher, EnvHttpProxyAgent, request } from "undici";
import { milliseconds } from "../../model/duration.ts";
import { NotTold, nameOf, PATIENCE } from "./told.ts";

export interface Posted {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** As it is declared: how long it may take. */
  readonly timeout?: string;
}

/** Sends JSON. A proxy is used where the environment names one. @throws NotTold */
export async function post({ url, headers = {}, body, timeout = PATIENCE }: Posted): Promise<void> {
  const patience = milliseconds(timeout)!;
  const dispatcher = new EnvHttpProxyAgent({ connect: { timeout: patience } });
  const where = hostOf(url);
  try {
    const answer = await request(url, {
      method: "POST",
      headers: { "content-type": "application/json; charset=utf-8", ...headers },
      body: JSON.stringify(body),
      dispatcher,
      headersTimeout: patience,
      bodyTimeout: patience,
      signal: AbortSignal.timeout(patience),
    });
    const { statusCode } = answer;
    if (statusCode >= 200 && statusCode < 300)
      return void (await answer.body.dump({ limit: MOST_READ }).catch(() => {}));
    throw new NotTold(`${where} answered HTTP ${statusCode}`, {
      retryAfter: waitOf(answer.headers["retry-after"]),
      status: statusCode,
      answer: await beginningOf(answer.body),
    });
  } catch (error) {
    if (error instanceof NotTold) throw error;
    const { name, code } = error as { name: string; code?: string };
    const late = name === "TimeoutError" || name === "HeadersTimeoutError" || name === "BodyTimeoutError";
    if (late) throw new NotTold(`${where} did not answer within ${timeout}`);
    if (code === "UND_ERR_INVALID_ARG")
      throw new NotTold(`${where} was not asked: a header or the address has a character that none may have`);
    throw new NotTold(`${where} cannot be reached (${nameOf(error)})`);
  } finally {
    dispatcher.destroy().catch(() => {});
  }
}

/** Bytes of an answer that are read, and characters that are kept of one that says no. */
const MOST_READ = 64 * 1024;
const MOST_KEPT = 500;

async function beginningOf(body: Dispatcher.ResponseData["body"]): Promise<string> {
  let text = "";
  try {
    for await (const bytes of body) {
      text += String(bytes);
      if (text.length > MOST_KEPT) break;
    }
  } catch {
    // Its status says enough.
  }
  return text.slice(0, MOST_KEPT).replaceAll(/\s+/g, " ").trim();
}

/** The rest of an address may be a secret. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "an address that is none";
}

/** The longest that a channel may ask for, in milliseconds. */
export const LONGEST_ASKED = 3_600_000;

/** Seconds, or a date. */
export function waitOf(header: string | string[] | undefined, now = Date.now()): number | undefined {
  if (typeof header !== "string") return undefined;
  const wait = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), LONGEST_ASKED);
}
