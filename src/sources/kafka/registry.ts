import type { KafkaDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { openReader } from "../http/auth.ts";
import type { HttpReader } from "../http/reader.ts";
import { isObject } from "../json/document.ts";
import { parseObject } from "../json/object.ts";

/** A schema of the registry. */
export interface RegisteredSchema {
  readonly type: "AVRO" | "PROTOBUF" | "JSON";
  readonly text: string;
  /** Schemas that it names, those that they name before them: by the name that it calls them. */
  readonly references: readonly { readonly name: string; readonly text: string }[];
}

/** Why a schema cannot be had: the records that were written by it are rejects. */
export class NoSchema extends Error {}

interface Reference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

/** How deep schemas may name each other. */
const DEEPEST = 20;

/** A schema registry that answers as Confluent's does. What it has said once holds: a schema of an id is never another. */
export class SchemaRegistry {
  readonly #reader: HttpReader;
  readonly #baseUrl: string;
  readonly #known = new Map<number, Promise<RegisteredSchema>>();

  constructor(registry: NonNullable<KafkaDeclaration["registry"]>) {
    this.#reader = openReader("kafka.registry", registry, {});
    this.#baseUrl = registry.baseUrl.replace(/\/$/, "");
  }

  /**
   * @throws NoSchema where the registry has none of that id
   * @throws UserError where it does not answer
   */
  schema(id: number): Promise<RegisteredSchema> {
    const known = this.#known.get(id);
    if (known) return known;
    const asked = this.#schema(id);
    this.#known.set(id, asked);
    // What failed is asked again.
    asked.catch(() => this.#known.delete(id));
    return asked;
  }

  async #schema(id: number): Promise<RegisteredSchema> {
    const found = await this.#ask(`/schemas/ids/${id}`, `schema ${id}`);
    const { schema, schemaType = "AVRO" } = found;
    if (typeof schema !== "string") throw new NoSchema(`schema ${id}: the registry gives no schema`);
    const references = new Map<string, string>();
    await this.#gather(found.references, references, 0);
    return {
      type: schemaType as RegisteredSchema["type"],
      text: schema,
      references: [...references].map(([name, text]) => ({ name, text })),
    };
  }

  async #gather(references: unknown, into: Map<string, string>, depth: number): Promise<void> {
    if (depth > DEEPEST) throw new NoSchema(`schemas name each other deeper than ${DEEPEST} levels`);
    for (const { name, subject, version } of Array.isArray(references) ? (references as readonly Reference[]) : []) {
      if (into.has(name)) continue;
      const path = `/subjects/${encodeURIComponent(subject)}/versions/${encodeURIComponent(String(version))}`;
      const found = await this.#ask(path, `version ${version} of ${subject}`);
      await this.#gather(found.references, into, depth + 1);
      into.set(name, String(found.schema));
    }
  }

  #ask(path: string, what: string): Promise<Readonly<Record<string, unknown>>> {
    const url = new URL(this.#baseUrl + path);
    const headers = { accept: "application/vnd.schemaregistry.v1+json, application/json" };
    return this.#reader.call({ url, headers }, ({ status, body }) => {
      const document = parseObject(body.toString());
      const value = typeof document === "string" ? undefined : document.value;
      if (status === 404) throw new NoSchema(`${what} is not in the registry`);
      if (status === 200 && isObject(value)) return value;
      throw new UserError({
        message: `the schema registry ${url.origin} does not give ${what}`,
        expected: "HTTP 200 with a schema",
        found: `HTTP ${status}, ${this.#reader.excerpt(body.toString())}`,
        hint: status === 401 || status === 403 ? "check kafka.registry.auth" : "check kafka.registry.baseUrl",
        code: String(status),
        exitCode: 1,
      });
    });
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}

/** A value in front of which stands which schema it was written by. */
export interface Framed {
  readonly id: number;
  readonly body: Buffer;
}

/** Confluent's way: a zero, the number of the schema in four bytes, the value. Undefined for what begins otherwise. */
export function unframed(value: Buffer): Framed | undefined {
  if (value.length < 5 || value[0] !== 0) return undefined;
  return { id: value.readUInt32BE(1), body: value.subarray(5) };
}
