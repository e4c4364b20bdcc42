// SQL that JavaScript has in quotes, and that a function has put into a larger text: where it stands in the file.

/** What was made, and the character of it that is looked for. */
export interface Made {
  readonly text: string;
  readonly offset: number;
}

/** A text without its white space, which functions change, and where each character of it stands. */
interface Characters {
  readonly text: string;
  readonly places: readonly number[];
}

interface Literal extends Characters {
  readonly isWord: boolean;
  /** The variable or the key that it is the value of, as far as that is written before it; and whether that is used. */
  readonly name?: string | undefined;
  readonly isUsed: boolean;
}

/** Whether what stands there and made a text is a call of JavaScript, and not a placeholder. */
export function isCall(source: string, maker: number): boolean {
  return !source.startsWith("${", maker);
}

/**
 * The places in the file of SQL that may be what was handed to what made the text: of each text in the file that is at that
 * place of what was made, or of the name that is.
 * @param maker where the `${` or the call stands that made it, if one did
 */
export function handedPlaces(source: string, file: string, made: Made, maker?: number): readonly number[] {
  const isPlaceholder = maker !== undefined && !isCall(source, maker);
  const own = isPlaceholder ? literalsIn(source, maker + 2) : { literals: [], end: 0 };
  const found = foundIn(own.literals, made)[0];
  if (found !== undefined) return [found];
  const named = maker === undefined ? [] : namePlaces(source, maker, made);
  if (named.length) return named;
  const expression = isPlaceholder ? source.slice(maker, own.end) : undefined;
  // What a placeholder makes is made of nothing that a config says.
  const others = scripts(source, file, expression === undefined).flatMap((start) => literalsIn(source, start).literals);
  // A single word may stand there by chance.
  const isMeant = ({ isWord, name, isUsed }: Literal) =>
    !isWord || (name !== undefined && (expression === undefined ? isUsed : namesIn(expression).includes(name)));
  return foundIn(others.filter(isMeant), made);
}

const WRITTEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|`(?:\\[\s\S]|[^`\\])*`|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|[\w$]+|[\s\S]/gy;

/** A name as SQL has it, with what stands before its last part. */
const NAME = /^(?:(?:"(?:[^"]|"")*"|[\w$]+)\s*\.\s*)*(?:"((?:[^"]|"")*)"|([\w$]+))/;

/** A text as SQL has it: the name of a type, for the server to look up. */
const TEXT = /^'((?:[^']|'')*)'/;

/** Of what is said of a model, no word is a column. */
const NO_COLUMNS = new Set(["tags", "schema", "description"]);

/**
 * Where the name or the text at the place of what was made is written in the brackets of its maker: as a text of its own or as a
 * key, which stands in SQL in quotes. What Dataform's own calls are handed is no column.
 */
function namePlaces(source: string, maker: number, { text, offset }: Made): readonly number[] {
  if (/^(?:publish|operate|assert)\b/.test(source.slice(maker)) && source[maker - 1] !== ".") return [];
  const [, quoted, plain] = NAME.exec(text.slice(offset)) ?? [];
  const literal = TEXT.exec(text.slice(offset))?.[1]?.replaceAll("''", "'");
  const name = literal ?? quoted?.replaceAll('""', '"') ?? plain;
  const places: number[] = [];
  let open = 0;
  let key = "";
  WRITTEN.lastIndex = maker;
  for (let match = WRITTEN.exec(source); match; match = WRITTEN.exec(source)) {
    const { 0: token, index } = match;
    if (/^[({[]$/.test(token)) open++;
    else if (/^[)}\]]$/.test(token) && --open === 0) break;
    const isText = /^["'`]./s.test(token);
    const said = isText ? token.slice(1, -1) : token;
    const isKey = /^[\w$"']/.test(token) && /^\s*:/.test(source.slice(WRITTEN.lastIndex, WRITTEN.lastIndex + 80));
    if (isKey) key = said;
    const counts = isKey ? quoted !== undefined : isText && !NO_COLUMNS.has(key);
    if (open && counts && said === name) places.push(index + (isText ? 1 : 0));
  }
  return places;
}

/** Where the file is JavaScript: from its beginning, or from the braces of its blocks on. */
function scripts(source: string, file: string, inConfig: boolean): readonly number[] {
  if (file.endsWith(".js")) return [0];
  const blocks = inConfig ? /^(?:js|config)\s*\{/gm : /^js\s*\{/gm;
  return [...source.matchAll(blocks)].map(({ 0: { length }, index }) => index + length);
}

/** What may be a name of JavaScript in a text. */
function namesIn(text: string): readonly string[] {
  return text.match(/[\w$]+/g) ?? [];
}

/** The places of the longest literals of which what was made has the character, or the name that begins there. */
function foundIn(literals: readonly Literal[], { text: made, offset }: Made): readonly number[] {
  const { text, places } = withoutSpace(made);
  const at = places.findIndex((place) => place >= offset);
  if (at < 0) return [];
  const nameEnd = places[at]! + /^[\w$."]*/.exec(made.slice(places[at]))![0].length;
  const covers = (start: number, length: number) => {
    const [begin, end] = [places[start]!, places[start + length - 1]! + 1];
    const cutsWord = (place: number) => /\w\w/.test(made.slice(place - 1, place + 1));
    return begin < Math.max(nameEnd, offset + 1) && end > offset && !(begin > 0 && cutsWord(begin)) && !cutsWord(end);
  };
  const found = literals.flatMap((literal) => {
    if (!/\w/.test(literal.text)) return [];
    for (let start = text.indexOf(literal.text); start >= 0; start = text.indexOf(literal.text, start + 1))
      if (covers(start, literal.text.length))
        return { length: literal.text.length, place: literal.places[Math.max(at - start, 0)]! };
    return [];
  });
  const longest = Math.max(...found.map(({ length }) => length));
  return found.flatMap(({ length, place }) => (length === longest ? place : []));
}

function withoutSpace(made: string): Characters {
  const places = [...made.matchAll(/\S/g)].map(({ index }) => index);
  return { text: places.map((place) => made[place]).join(""), places };
}

const TOKEN = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'|[\s\S]/y;
const TEMPLATE_TEXT = /(?:\\[\s\S]|\$(?!\{)|[^\\`$])*/y;

/** The literals from there on, to the brace that closes what is open there. */
function literalsIn(source: string, from: number): { readonly literals: readonly Literal[]; readonly end: number } {
  const literals: Literal[] = [];
  // Braces that are open, and templates whose placeholder is.
  const open: ("{" | "`")[] = [];
  let at = from;
  const template = () => {
    TEMPLATE_TEXT.lastIndex = at;
    const end = at + TEMPLATE_TEXT.exec(source)![0].length;
    literals.push(literal(source, at, end));
    if (source[end] === "$") open.push("`");
    at = end + (source[end] === "$" ? 2 : 1);
  };
  while (at < source.length) {
    TOKEN.lastIndex = at;
    const [token] = TOKEN.exec(source)!;
    if (token === "}" && !open.length && from > 0) break;
    at += token.length;
    if (token === "`" || (token === "}" && open.pop() === "`")) template();
    else if (token === "{") open.push("{");
    else if (/^["']./s.test(token)) literals.push(literal(source, at - token.length + 1, at - 1));
  }
  return { literals, end: at };
}

function literal(source: string, start: number, end: number): Literal {
  const places = [...source.slice(start, end).matchAll(/\\(?:[ntr\n]|([^ntr\n]))|(\S)/g)].flatMap(
    ({ 0: { length }, 1: escaped, 2: plain, index }) => (escaped || plain ? start + index + length - 1 : []),
  );
  const [, name, sign] =
    /([\w$]+)["']?\s*([:=])\s*(?:\[\s*)?$/.exec(source.slice(Math.max(0, start - 80), start - 1)) ?? [];
  return {
    text: places.map((place) => source[place]).join(""),
    places,
    isWord: /^\s*\w*\s*$/.test(source.slice(start, end)),
    name,
    isUsed: name !== undefined && isUsed(source, name, sign === ":"),
  };
}

/** Whether JavaScript reads a key, as `.name`, or names a variable again. A key that is only handed on may mean anything. */
function isUsed(source: string, name: string, isKey: boolean): boolean {
  const uses = namesIn(isKey ? (source.match(/\.\s*[\w$]+/g) ?? []).join(" ") : source);
  return uses.filter((use) => use === name).length > (isKey ? 0 : 1);
}
