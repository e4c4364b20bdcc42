import { measureDepth } from "../json/depth.ts";
import { type FormatReader, MAX_DEPTH, MAX_RECORD_BYTES } from "../source.ts";
import { createReader, readBlocks, readHeader } from "./avro/blocks.ts";
import { AvroCursor, damaged } from "./avro/cursor.ts";
import { compileSchema, type Decode } from "./avro/schema.ts";
import { unreadable } from "./file-errors.ts";
import { head, PageBuilder, TOO_LONG } from "./pages.ts";
import { ValueRecord } from "./value-record.ts";

/** Reads the records of an Avro object container file, block by block, with every digit. */
export function readAvro(maxBytes = MAX_RECORD_BYTES): FormatReader {
  return async function* (bytes) {
    const reader = createReader(bytes);
    const page = new PageBuilder();
    let number = 0;
    try {
      const header = await readHeader(reader);
      const decode = compileSchema(schemaOf(header.schema));
      for await (const block of readBlocks(reader, header)) {
        const cursor = new AvroCursor(block.bytes);
        for (let left = block.count; left > 0; ) {
          const part = Math.min(left, 100);
          cursor.repeat(part, () => addRecord(cursor, decode, ++number, page, maxBytes));
          left -= part;
          if (page.full) yield page.build();
        }
        if (!cursor.atEnd) throw damaged("a block with more bytes than its records");
      }
      if (!page.empty) yield page.build();
    } finally {
      await reader.close();
    }
  };
}

function addRecord(cursor: AvroCursor, decode: Decode, number: number, page: PageBuilder, maxBytes: number): void {
  const start = cursor.position;
  cursor.badText = false;
  const record = new ValueRecord(`record ${number}`, decode(cursor, 0) as Record<string, unknown>);
  const size = cursor.position - start;
  const { position } = record;
  if (size > maxBytes) page.addRejected({ position, reason: TOO_LONG, text: head(record.text()) });
  else if (cursor.badText)
    page.addRejected({ position, reason: "has a string that is not UTF-8", text: record.text() });
  else page.addRecord(record, size);
}

function schemaOf(text: string): unknown {
  if (measureDepth(text).deepest > MAX_DEPTH) throw unreadable("the schema of the Avro file is nested too deep");
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unreadable("the schema of the Avro file is not valid", { found: (cause as Error).message, cause });
  }
}
