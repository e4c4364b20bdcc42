import { UserError } from "../../model/errors.ts";
import { AvroCursor } from "../formats/avro/cursor.ts";
import { compileValue, type Decode } from "../formats/avro/schema.ts";

/** Reads one value of a schema. @returns why it is none */
export type ReadValue = (body: Buffer) => { readonly value: unknown } | string;

/**
 * @param references schemas that it names, each behind those that it names itself
 * @throws UserError for a schema that is none
 */
export function avroReader(text: string, references: readonly { readonly text: string }[] = []): ReadValue {
  const decode = compileValue(
    parsed(text),
    references.map((one) => parsed(one.text)),
  );
  return (body) => readAvro(decode, body);
}

function readAvro(decode: Decode, body: Buffer): { readonly value: unknown } | string {
  const cursor = new AvroCursor(body);
  try {
    const value = decode(cursor, 0);
    if (!cursor.atEnd) return "has more bytes than its schema of Avro says";
    return cursor.badText ? "has a string that is not UTF-8" : { value };
  } catch (error) {
    if (error instanceof UserError) return `is no value of its schema of Avro: ${error.found ?? error.message}`;
    if (error instanceof RangeError) return `is no value of its schema of Avro: ${error.message}`;
    throw error;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // A primitive may stand there as its name alone.
    if (/^\s*[a-z]+\s*$/.test(text)) return text.trim();
    throw new UserError({
      message: "the schema of Avro is not valid",
      found: (cause as Error).message,
      cause,
      exitCode: 1,
    });
  }
}
