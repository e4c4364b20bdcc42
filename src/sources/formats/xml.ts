import type { XmlOptions } from "../../model/declarations.ts";
import { type FormatReader, MAX_RECORD_BYTES } from "../source.ts";
import { PageBuilder } from "./pages.ts";
import { readElements } from "./xml/elements.ts";
import { RecordBuilder } from "./xml/records.ts";

/**
 * Reads the elements of one name or path as records, in constant memory. Refuses every DOCTYPE, so that there are no
 * entities besides the five that XML has.
 * @throws UserError for a path that is none; later for a file that is cut, not well-formed or hostile.
 */
export function readXml(options: XmlOptions, maxSize = MAX_RECORD_BYTES): FormatReader {
  new RecordBuilder(options, new PageBuilder(), maxSize);
  return async function* (bytes) {
    const page = new PageBuilder();
    const builder = new RecordBuilder(options, page, maxSize);
    for await (const _ of readElements(bytes, builder, maxSize)) if (page.full) yield page.build();
    if (!page.empty) yield page.build();
  };
}
