// Which loads of files count, from docs/ingest.md: what is loaded, of the newest version of each file.

import type { Raw, RawRow } from "./relation.ts";

export interface FileLoad {
  readonly load: string;
  readonly name: string;
  readonly checksum: string;
  readonly row: RawRow;
}

/** In the order in which they landed. */
export function loadsThatCount(raw: Raw, table: string): FileLoad[] {
  const loaded = raw
    ._load!.filter(({ status, table_name }) => status === "loaded" && table_name === table)
    .sort((a, b) => Number(a.load_id) - Number(b.load_id));
  return loaded
    .filter((one) => !loaded.some((other) => other.file === one.file && Number(other.load_id) > Number(one.load_id)))
    .map((row) => {
      const file = raw._file!.find(({ path, version, table_name }) => {
        return table_name === table && path === row.file && version === row.version;
      });
      return { load: row.load_id!, name: row.file!, checksum: file?.checksum ?? `load ${row.load_id}`, row };
    });
}
