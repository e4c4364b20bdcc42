import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { createClient } from "redis";
import { freePort } from "../../../src/postgres/embedded/port.ts";
import { pause } from "../../../src/wait/pause.ts";

const PROGRAM = "/usr/bin/redis-server";

/** Why there is no Redis for the tests; undefined where there is one. */
export const noRedis = existsSync(PROGRAM) ? undefined : "needs redis-server";

export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** Sends one command, as an administrator does. */
  command(...words: string[]): Promise<unknown>;
  stop(): Promise<void>;
}

/** A Redis of its own, in memory only. */
export async function startRedis(onPort?: number): Promise<TestRedis> {
  const port = onPort ?? (await freePort());
  const server: ChildProcess = spawn(PROGRAM, ["--port", String(port), "--save", "", "--appendonly", "no"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  for await (const line of server.stdout!) if (String(line).includes("Ready to accept connections")) break;
  server.stdout!.resume();
  const url = `redis://127.0.0.1:${port}`;
  return {
    url,
    port,
    async command(...words) {
      const client = await createClient({ url }).connect();
      try {
        return await client.sendCommand(words);
      } finally {
        client.destroy();
      }
    },
    async stop() {
      if (server.exitCode !== null || server.signalCode !== null) return;
      const ended = once(server, "exit");
      server.kill();
      await ended;
    },
  };
}

/** A way to a server on which each answer comes so many milliseconds later. Counts the messages that are sent to it. */
export async function delaying(port: number, milliseconds: number) {
  let messages = 0;
  const sockets = new Set<Socket>();
  const proxy = createServer((socket) => {
    const to = connect(port, "127.0.0.1");
    for (const one of [socket, to]) {
      sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => sockets.delete(one));
    }
    socket.on("data", (data) => {
      messages++;
      to.write(data);
    });
    to.on("data", async (data) => {
      await pause(milliseconds);
      if (!socket.destroyed) socket.write(data);
    });
    socket.on("close", () => to.destroy());
    to.on("close", () => socket.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { port: own } = proxy.address() as { port: number };
  return {
    url: `redis://127.0.0.1:${own}`,
    messages: () => messages,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
