import { createRequire } from "node:module";
import type { AddressInfo, Server } from "node:net";
import type { OnEnd } from "../project.ts";

const require = createRequire(new URL("../../servers/package.json", import.meta.url));

/** Why there is no SMTP server for the tests; undefined where there is one. */
export const noSmtp = (() => {
  try {
    require.resolve("smtp-server");
    return undefined;
  } catch {
    return "needs test/servers";
  }
})();

export interface TestSmtp {
  readonly port: number;
  /** Mails as they came, each whole. */
  readonly mails: string[];
}

interface Session {
  readonly user?: string;
}
type Answer = (error: Error | null, found?: object) => void;

/** A real SMTP server. @param login the only one that it lets in; without it everybody. @param port 0: any */
export async function startSmtp(
  onEnd: OnEnd,
  login?: { readonly user: string; readonly password: string },
  port = 0,
): Promise<TestSmtp> {
  const { SMTPServer } = require("smtp-server") as {
    SMTPServer: new (
      options: object,
    ) => { listen(port: number, host: string, done: () => void): Server; close(done: () => void): void };
  };
  const mails: string[] = [];
  const server = new SMTPServer({
    authOptional: login === undefined,
    allowInsecureAuth: true,
    onAuth: ({ username, password }: { username: string; password: string }, _: Session, done: Answer) =>
      username === login?.user && password === login?.password ? done(null, { user: username }) : done(new Error("no")),
    onData: (stream: NodeJS.ReadableStream, _: Session, done: Answer) => {
      let text = "";
      stream.on("data", (chunk) => {
        text += String(chunk);
      });
      stream.on("end", () => {
        mails.push(text);
        done(null);
      });
    },
  });
  const listening = await new Promise<Server>((resolve) => {
    const started: Server = server.listen(port, "127.0.0.1", () => resolve(started));
  });
  onEnd(() => new Promise<void>((resolve) => server.close(resolve)));
  return { port: (listening.address() as AddressInfo).port, mails };
}
