import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What a schema registry has been told, by the number of the schema. */
export interface RegisteredHere {
  readonly schema: string;
  readonly schemaType?: "AVRO" | "PROTOBUF" | "JSON";
  readonly references?: readonly { readonly name: string; readonly subject: string; readonly version: number }[];
}

/** A server that answers as Confluent's registry does: schemas by their number, and versions of a subject. Whoever asks has a password. */
export async function startRegistry(
  schemas: Readonly<Record<number, RegisteredHere>>,
  subjects: Readonly<Record<string, RegisteredHere>>,
  password: string,
) {
  const asked: string[] = [];
  const server = createServer(({ url = "", headers }, response) => {
    asked.push(url);
    const answer = (status: number, body: object) => {
      response.writeHead(status, { "content-type": "application/vnd.schemaregistry.v1+json" });
      response.end(JSON.stringify(body));
    };
    if (headers.authorization !== `Basic ${Buffer.from(`reader:${password}`).toString("base64")}`)
      return answer(401, { error_code: 401, message: "Unauthorized" });
    const [, id] = /^\/schemas\/ids\/(\d+)$/.exec(url) ?? [];
    const [, subject] = /^\/subjects\/([^/]+)\/versions\/1$/.exec(url) ?? [];
    const found = id === undefined ? subjects[decodeURIComponent(subject ?? "")] : schemas[Number(id)];
    return found ? answer(200, found) : answer(404, { error_code: 40403, message: "Schema not found" });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** A value behind the number of its schema, as Confluent's serializers write it. */
export function framed(id: number, ...parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(id, 1);
  return Buffer.concat([head, ...parts]);
}
