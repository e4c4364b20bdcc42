import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { expect, vi } from "vitest";
import { startCli } from "./cli.ts";
import type { OnEnd } from "./project.ts";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly bytes: Buffer;
  readonly body: string;
  /** The body as JSON. */
  json<T = Record<string, unknown>>(): T;
}

/** Several of one name where it has a list. */
export type Headers = Readonly<Record<string, string | string[]>>;

export interface Serving {
  /** Ends in a slash. */
  readonly url: string;
  ask(path: string, headers?: Headers): Promise<Answer>;
  said(): string;
  end(): Promise<void>;
}

interface Served {
  readonly project: { readonly dir: string };
  readonly database: { readonly url: string };
}

/** `dataform serve` over a database, until the test or the file ends. */
export async function serving(
  { project, database }: Served,
  onEnd: OnEnd,
  args: readonly string[] = ["--no-site"],
): Promise<Serving> {
  const started = startCli(project.dir, ["serve", "--port", "0", "--url", database.url, ...args]);
  let failed: unknown;
  let hasEnded = false;
  const ended = started.end.finally(() => {
    hasEnded = true;
  });
  ended.catch((error) => {
    failed = error;
  });
  const end = async () => {
    if (!hasEnded) started.interrupt();
    await ended;
  };
  onEnd(end);
  await vi.waitFor(() => expect(started.printed() || hasEnded || failed).toBeTruthy(), { timeout: 60_000 });
  expect(started.printed(), started.said()).toMatch(/^https?:\/\/\S+\/$/);
  const url = started.printed();
  return { url, ask: (path, headers) => ask(`${url}${path.replace(/^\//, "")}`, headers), said: started.said, end };
}

async function ask(url: string, headers: Headers = {}): Promise<Answer> {
  const [response] = (await once(get(url, { headers, agent: false }), "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const body = bytes.toString();
  return { status: response.statusCode!, headers: response.headers, bytes, body, json: () => JSON.parse(body) };
}
