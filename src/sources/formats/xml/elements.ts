import type { SaxesParser } from "saxes";
import type { UserError } from "../../../model/errors.ts";
import { notWhole, unreadable } from "../file-errors.ts";
import { TOO_LONG } from "../pages.ts";
import type { Attributes } from "./node.ts";
import type { XmlPlace } from "./records.ts";
import { xmlText } from "./text.ts";

const MAX_ATTRIBUTES = 256;
/** Characters before the root element. */
const MAX_PROLOG = 1024 * 1024;

/** Is told of the elements of a document, in its order. */
export interface ElementHandler {
  /** @param attributes undefined where there are none; names have their prefixes */
  open(name: string, attributes: Attributes | undefined, place: XmlPlace): void;
  text(text: string, place: XmlPlace): void;
  close(place: XmlPlace): void;
}

/**
 * Tells a handler of the elements, in constant memory; yields whenever a piece of the text is done. Refuses every DOCTYPE, so that
 * there are no entities besides the five that XML has.
 * @param maxSize characters of a text, an attribute or a comment
 * @throws UserError for a document that is cut, not well-formed or hostile
 */
export async function* readElements(
  bytes: AsyncIterable<Uint8Array>,
  handler: ElementHandler,
  maxSize: number,
): AsyncGenerator<void> {
  const document = new XmlDocument(await createParser(), handler, maxSize);
  for await (const text of xmlText(bytes)) {
    document.push(text);
    yield;
  }
  document.end();
}

type Parser = SaxesParser<{ xmlns: false }>;

async function createParser(): Promise<Parser> {
  const { SaxesParser } = await import("saxes");
  return new SaxesParser({ xmlns: false });
}

/** Feeds the elements of one document to a handler, and watches over the limits. */
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

  constructor(parser: Parser, handler: ElementHandler, maxSize: number) {
    this.#parser = parser;
    this.#maxSize = maxSize;
    const text = (value: string) => {
      this.#consumed = parser.position;
      handler.text(value, parser);
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
      handler.open(name, this.#attributes > 0 ? attributes : undefined, parser);
      this.#attributes = 0;
    });
    parser.on("closetag", () => {
      this.#consumed = parser.position;
      handler.close(parser);
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
