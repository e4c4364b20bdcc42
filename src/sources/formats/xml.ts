import type { SaxesParser } from "saxes";
import type { XmlOptions } from "../../model/declarations.ts";
import type { UserError } from "../../model/errors.ts";
import { type FormatReader, MAX_RECORD_BYTES } from "../source.ts";
import { notWhole, unreadable } from "./file-errors.ts";
import { PageBuilder, TOO_LONG } from "./pages.ts";
import { RecordBuilder } from "./xml/records.ts";
import { xmlText } from "./xml/text.ts";

const MAX_ATTRIBUTES = 256;
/** Characters before the root element. */
const MAX_PROLOG = 1024 * 1024;

/**
 * Reads the elements of one name or path as records, in constant memory. Refuses every DOCTYPE, so that there are no
 * entities besides the five that XML has.
 * @throws UserError for a path that is none; later for a file that is cut, not well-formed or hostile.
 */
export function readXml(options: XmlOptions, maxSize = MAX_RECORD_BYTES): FormatReader {
  new RecordBuilder(options, new PageBuilder(), maxSize);
  return async function* (bytes) {
    const page = new PageBuilder();
    const document = new XmlDocument(await createParser(), new RecordBuilder(options, page, maxSize), maxSize);
    for await (const text of xmlText(bytes)) {
      document.push(text);
      if (page.full) yield page.build();
    }
    document.end();
    if (!page.empty) yield page.build();
  };
}

type Parser = SaxesParser<{ xmlns: false }>;

async function createParser(): Promise<Parser> {
  const { SaxesParser } = await import("saxes");
  return new SaxesParser({ xmlns: false });
}

/** Feeds the elements of one document to a builder, and watches over the limits. */
class XmlDocument {
  readonly #parser: Parser;
  readonly #maxSize: number;
  #rooted = false;
  #ending = false;
  #attributes = 0;
  /** Characters that were given to the parser. */
  #pushed = 0;
  /** Where the last piece of the document ended; the parser holds all that comes after. */
  #consumed = 0;

  constructor(parser: Parser, builder: RecordBuilder, maxSize: number) {
    this.#parser = parser;
    this.#maxSize = maxSize;
    const text = (value: string) => {
      this.#consumed = parser.position;
      builder.text(value, parser);
    };
    // Seven handlers at most: with an eighth, V8 makes the parser an object of slow properties, five times slower.
    parser.on("text", text);
    parser.on("cdata", text);
    parser.on("attribute", () => {
      this.#consumed = parser.position;
      if (++this.#attributes > MAX_ATTRIBUTES)
        throw this.#refuse(`an element has more than ${MAX_ATTRIBUTES} attributes`);
    });
    parser.on("opentag", ({ name, attributes }) => {
      this.#consumed = parser.position;
      this.#rooted = true;
      builder.open(name, this.#attributes > 0 ? attributes : undefined, parser);
      this.#attributes = 0;
    });
    parser.on("closetag", () => {
      this.#consumed = parser.position;
      builder.close(parser);
    });
    parser.on("doctype", () => {
      throw this.#refuse("the file has a DOCTYPE, which can name other files and make a small file huge");
    });
    parser.on("error", (error) => {
      throw this.#broken(error);
    });
  }

  push(text: string): void {
    this.#parser.write(text);
    this.#pushed += text.length;
    if (!this.#rooted && this.#pushed > MAX_PROLOG) throw this.#refuse("there is no element in the first MB");
    if (this.#pushed - this.#consumed > this.#maxSize) throw this.#refuse(`a text, attribute or comment ${TOO_LONG}`);
  }

  /** @throws UserError for a document that is cut. */
  end(): void {
    this.#ending = true;
    this.#parser.close();
  }

  #refuse(message: string): UserError {
    return unreadable(message, { found: `line ${this.#parser.line}` });
  }

  #broken(error: Error): UserError {
    const found = error.message.replace(/^(\d+):(\d+): /, "line $1, column $2: ");
    if (this.#ending) return notWhole("its root element does not end", { found });
    return unreadable("the file is not well-formed XML", {
      found,
      hint: "nothing of it was landed: ask for the file again",
    });
  }
}
