import type { KafkaDeclaration, KafkaStream } from "../../model/declarations.ts";
import { avroReader, type ReadValue } from "./avro-values.ts";
import { importProtobuf, type ProtobufDriver } from "./protobuf-driver.ts";
import { protoMessages } from "./protobuf-values.ts";
import { NoSchema, type RegisteredSchema, SchemaRegistry, unframed } from "./registry.ts";

/** Reads a value of a schema that is known; or once it was fetched. */
export type ReadRegistered = (bytes: Buffer) => ReturnType<ReadValue> | Promise<ReturnType<ReadValue>>;

export const NOT_FRAMED =
  "does not begin with the number of a schema (0, and four bytes), as what is written by a registry does";

/** Schemas of a registry, as what reads values of them. */
export class Registered {
  readonly #registry: SchemaRegistry;
  readonly #projectDir: string;
  readonly #known = new Map<number, ReadValue>();

  constructor({ registry, projectDir }: KafkaDeclaration & { readonly registry: object }) {
    this.#registry = new SchemaRegistry(registry as NonNullable<KafkaDeclaration["registry"]>);
    this.#projectDir = projectDir;
  }

  async reader(format: "avro" | "protobuf"): Promise<ReadRegistered> {
    const driver = format === "protobuf" ? await importProtobuf(this.#projectDir) : undefined;
    return (bytes) => {
      const framed = unframed(bytes);
      if (!framed) return NOT_FRAMED;
      const { id, body } = framed;
      const known = this.#known.get(id);
      return known ? known(body) : this.#fetched(id, driver).then((read) => read(body));
    };
  }

  /** A schema that cannot be had is a reason to reject what was written by it, and is asked for again. */
  async #fetched(id: number, driver: ProtobufDriver | undefined): Promise<ReadValue> {
    try {
      const read = readerOf(id, await this.#registry.schema(id), driver);
      this.#known.set(id, read);
      return read;
    } catch (error) {
      if (!(error instanceof NoSchema)) throw error;
      return () => error.message;
    }
  }

  close(): Promise<void> {
    return this.#registry.close();
  }
}

function readerOf(id: number, { type, text, references }: RegisteredSchema, driver: ProtobufDriver | undefined) {
  const wanted = driver ? "PROTOBUF" : "AVRO";
  if (type !== wanted) throw new NoSchema(`schema ${id} is of ${type}, not of ${wanted}`);
  return driver ? protoMessages(driver, { text, imports: references }).indexed : avroReader(text, references);
}

/** Of a stream whose schema stands in a file of the project. */
export async function readerOfFile(
  { schema, message }: KafkaStream,
  format: "avro" | "protobuf",
  projectDir: string,
): Promise<ReadRegistered> {
  if (format === "avro") return avroReader(schema!.text);
  return protoMessages(await importProtobuf(projectDir), { text: schema!.text, imports: [] }).named(message!);
}
