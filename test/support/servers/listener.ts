import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { OnEnd } from "../project.ts";

interface Received {
  readonly headers: IncomingMessage["headers"];
  // biome-ignore lint/suspicious/noExplicitAny: whatever is sent
  readonly body: any;
}

export interface Listener {
  readonly url: string;
  readonly received: Received[];
  /** How the next requests are answered; undefined: never. */
  answer: ((response: ServerResponse) => void) | undefined;
}

export const ok = (response: ServerResponse) => void response.end("ok");

/** What takes JSON over HTTP, and answers as a test says. */
export async function startListener(onEnd: OnEnd): Promise<Listener> {
  const received: Received[] = [];
  const listener: { answer: Listener["answer"] } = { answer: ok };
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    received.push({ headers: request.headers, body: JSON.parse(text) });
    listener.answer?.(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onEnd(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return Object.assign(listener, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, received });
}
