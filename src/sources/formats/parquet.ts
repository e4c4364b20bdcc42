import type { DecodedArray, FileMetaData } from "hyparquet";
import { counted } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import type { FormatReader, SourcePage } from "../source.ts";
import { notWhole, unreadable } from "./file-errors.ts";
import { PageBuilder } from "./pages.ts";
import { ParquetDecoder } from "./parquet/decoder.ts";
import { converterOf, type ReadValue } from "./parquet/leaf.ts";
import { type SpooledFile, spool } from "./spool.ts";
import { ValueRecord } from "./value-record.ts";

/** Bytes of a row group, unpacked: it is held in memory as a whole. */
const MAX_GROUP_BYTES = 512 * 1024 * 1024;
const ROWS_PER_PAGE = 1000;

/**
 * Reads the rows of a Parquet file, row group by row group, with every digit. Keeps the bytes in a temporary file.
 * @param seconds until a column of a row group that is still being decoded is given up
 */
export function readParquet(seconds = 300): FormatReader {
  return async function* (bytes) {
    const file = await spool(bytes);
    const decoder = new ParquetDecoder(seconds);
    try {
      yield* readRows(file, decoder);
    } catch (cause) {
      if (cause instanceof UserError) throw cause;
      throw unreadable("the Parquet file is damaged", {
        found: (cause as Error).message,
        hint: "nothing of it was landed: ask for the file again",
        cause,
      });
    } finally {
      await decoder.close().finally(() => file.close());
    }
  };
}

/** One column of the record. */
interface Column {
  readonly name: string;
  readonly read: ReadValue;
}

async function* readRows(file: SpooledFile, decoder: ParquetDecoder): AsyncGenerator<SourcePage> {
  const { parquetSchema } = await import("hyparquet");
  await checkEnds(file);
  const metadata = await decoder.ask("metadata", [file.path, MAX_GROUP_BYTES]);
  const columns = parquetSchema(metadata).children.map((node) => ({
    name: node.element.name,
    read: converterOf(node),
  }));
  checkGroups(metadata);
  await decoder.ask("scan", metadata);
  const page = new PageBuilder();
  let first = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    const data = await readColumns(decoder, columns, first, first + rows);
    for (let row = 0; row < rows; row++) {
      const fields: Record<string, unknown> = Object.create(null);
      for (const [index, { name, read }] of columns.entries()) fields[name] = read(data[index]![row]);
      page.addRecord(new ValueRecord(`record ${first + row + 1}`, fields), 0);
      if ((row + 1) % ROWS_PER_PAGE === 0) yield page.build();
    }
    if (!page.empty) yield page.build();
    first += rows;
  }
}

async function readColumns(
  decoder: ParquetDecoder,
  columns: readonly Column[],
  rowStart: number,
  rowEnd: number,
): Promise<DecodedArray[]> {
  const data: DecodedArray[] = [];
  if (rowStart === rowEnd) return data;
  for (const { name } of columns) {
    const values = await decoder.ask("column", [name, rowStart, rowEnd]);
    if (values.length !== rowEnd - rowStart)
      throw notWhole(`its column ${name} has ${counted(values.length, "value")}`, {
        expected: counted(rowEnd - rowStart, "value"),
      });
    data.push(values);
  }
  return data;
}

/** Every Parquet file begins and ends with PAR1; one that is cut does not end so. */
async function checkEnds(file: SpooledFile): Promise<void> {
  const mark = async (start: number) =>
    file.byteLength < 12 ? "" : Buffer.from(await file.bytesAt(start, 4)).toString("latin1");
  const begin = await mark(0);
  const end = await mark(file.byteLength - 4);
  if (end === "PARE") throw unreadable("the Parquet file is encrypted");
  if (end === "PAR1" && begin === "PAR1") return;
  if (begin === "PAR1" || file.byteLength < 12) throw notWhole("it has no footer", { expected: "PAR1 at its end" });
  throw unreadable("the file is not a Parquet file", { expected: "PAR1 at its beginning and its end" });
}

function checkGroups({ row_groups, num_rows }: FileMetaData): void {
  for (const { total_byte_size } of row_groups)
    if (total_byte_size > MAX_GROUP_BYTES)
      throw unreadable("a row group of the Parquet file is longer than 512 MB, unpacked", {
        hint: "let it be written with smaller row groups",
      });
  const rows = row_groups.reduce((sum, group) => sum + group.num_rows, 0n);
  if (rows !== num_rows)
    throw notWhole(`its row groups have ${counted(Number(rows), "row")}`, {
      expected: counted(Number(num_rows), "row"),
    });
}
