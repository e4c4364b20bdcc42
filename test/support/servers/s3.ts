import { mkdirSync, utimesSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { AwsClient } from "aws4fetch";
import { expect, onTestFinished } from "vitest";
import { freePort } from "../../../src/postgres/embedded/port.ts";
import { temporaryFolder } from "./child.ts";

const require = createRequire(new URL("../../servers/package.json", import.meta.url));

/** Whether test/servers is installed. */
export const hasS3 = (() => {
  try {
    require.resolve("s3rver");
    return true;
  } catch {
    return false;
  }
})();

export interface S3Server {
  readonly port: number;
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Where it keeps its buckets. */
  readonly directory: string;
  put(key: string, content: string | Uint8Array): Promise<void>;
  /** Makes an object as old as need be to be taken for whole at once. */
  age(key: string): void;
}

/** A store with one bucket, "inbox". It checks the access key, but not the signature. */
export async function startS3(): Promise<S3Server> {
  const S3rver = require("s3rver");
  const directory = join(temporaryFolder(), "store");
  mkdirSync(directory);
  const port = await freePort();
  const server = new S3rver({
    address: "127.0.0.1",
    port,
    silent: true,
    directory,
    configureBuckets: [{ name: "inbox", configs: [] }],
  });
  await server.run();
  onTestFinished(async () => {
    server.httpServer?.closeAllConnections?.();
    await server.close();
  });
  // The one pair of keys that the server knows.
  const keys = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
  const client = new AwsClient({ ...keys, service: "s3", region: "us-east-1" });
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    port,
    endpoint,
    directory,
    ...keys,
    async put(key, content) {
      const url = `${endpoint}/inbox/${key.split("/").map(encodeURIComponent).join("/")}`;
      const body = typeof content === "string" ? content : Buffer.from(content);
      const { status } = await client.fetch(url, { method: "PUT", body });
      expect(status).toBe(200);
    },
    age: (key) => utimesSync(join(directory, "inbox", `${key}._S3rver_object`), 0, 0),
  };
}
