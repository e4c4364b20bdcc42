import { EnvHttpProxyAgent, request } from "undici";
import { NotTold, nameOf, PATIENCE } from "./told.ts";

export interface Posted {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Sends JSON. A proxy is used where the environment names one. @throws NotTold */
export async function post({ url, headers = {}, body }: Posted): Promise<void> {
  const dispatcher = new EnvHttpProxyAgent({ connect: { timeout: PATIENCE } });
  const where = hostOf(url);
  try {
    const answer = await request(url, {
      method: "POST",
      headers: { "content-type": "application/json; charset=utf-8", ...headers },
      body: JSON.stringify(body),
      dispatcher,
      headersTimeout: PATIENCE,
      bodyTimeout: PATIENCE,
      signal: AbortSignal.timeout(PATIENCE),
    });
    await answer.body.dump({ limit: 64 * 1024 }).catch(() => {});
    const { statusCode } = answer;
    if (statusCode >= 200 && statusCode < 300) return;
    throw new NotTold(`${where} answered HTTP ${statusCode}`, waitOf(answer.headers["retry-after"]));
  } catch (error) {
    if (error instanceof NotTold) throw error;
    const { name, code } = error as { name: string; code?: string };
    const late = name === "TimeoutError" || name === "HeadersTimeoutError" || name === "BodyTimeoutError";
    if (late) throw new NotTold(`${where} did not answer within ${PATIENCE / 1000} s`);
    if (code === "UND_ERR_INVALID_ARG")
      throw new NotTold(`${where} was not asked: a header or the address has a character that none may have`);
    throw new NotTold(`${where} cannot be reached (${nameOf(error)})`);
  } finally {
    dispatcher.destroy().catch(() => {});
  }
}

/** The rest of an address may be a secret. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "an address that is none";
}

/** The longest that a channel may ask for, in milliseconds. */
const LONGEST_WAIT = 3_600_000;

/** Seconds, or a date. */
export function waitOf(header: string | string[] | undefined, now = Date.now()): number | undefined {
  if (typeof header !== "string") return undefined;
  const wait = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), LONGEST_WAIT);
}
