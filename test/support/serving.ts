import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
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
  /** Sends a value as JSON. */
  post(path: string, body: unknown, headers?: Headers): Promise<Answer>;
  said(): string;
  end(): Promise<void>;
}

interface Served {
  readonly project: { readonly dir: string };
  readonly database: { readonly url: string };
}

/** `dataform serve`, or another command that serves, over a database, until the test or the file ends. */
export async function serving(
  { project, database }: Served,
  onEnd: OnEnd,
  args: readonly string[] = ["--no-site"],
  command: readonly string[] = ["serve"],
  env: Readonly<Record<string, string>> = {},
): Promise<Serving> {
  const started = startCli(project.dir, [...command, "--port", "0", "--url", database.url, ...args], env);
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
  const full = (path: string) => `${url}${path.replace(/^\//, "")}`;
  return {
    url,
    ask: (path, headers) => ask(full(path), { headers }),
    post: (path, body, headers) => {
      const typed = { "content-type": "application/json", ...headers };
      return ask(full(path), { headers: typed, method: "POST", body: JSON.stringify(body) });
    },
    said: started.said,
    end,
  };
}

/** One address in front of several servers: each connection goes to the next one, as with a balancer of TCP. */
export async function balanced(servers: readonly Serving[], onEnd: OnEnd): Promise<Pick<Serving, "ask">> {
  let turn = 0;
  const balancer = createServer((taken) => {
    const { port } = new URL(servers[turn++ % servers.length]!.url);
    const passed = connect(Number(port), "127.0.0.1");
    for (const [one, other] of [
      [taken, passed],
      [passed, taken],
    ] as const) {
      one.on("error", () => other.destroy());
      one.pipe(other);
    }
  });
  balancer.listen(0, "127.0.0.1");
  await once(balancer, "listening");
  onEnd(() => void balancer.close());
  const { port } = balancer.address() as AddressInfo;
  return { ask: (path, headers) => ask(`http://127.0.0.1:${port}/${path.replace(/^\//, "")}`, { headers }) };
}

interface Sent {
  readonly headers: Headers | undefined;
  readonly method?: string;
  readonly body?: string;
}

async function ask(url: string, { headers = {}, method = "GET", body: sent }: Sent): Promise<Answer> {
  const asking = request(url, { headers, method, agent: false });
  asking.end(sent);
  const [response] = (await once(asking, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const body = bytes.toString();
  return { status: response.statusCode!, headers: response.headers, bytes, body, json: () => JSON.parse(body) };
}
