/** An element, its name and those of its attributes without their prefixes. */
export interface XmlNode {
  readonly name: string;
  readonly attributes: Attributes | undefined;
  /** Its own text, what stands between children included. */
  text: string;
  readonly children: XmlNode[];
}

/** Has no prototype. */
export type Attributes = Readonly<Record<string, string>>;

export function createNode(name: string, attributes: Attributes | undefined): XmlNode {
  return { name, attributes, text: "", children: [] };
}

export function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

/**
 * Attributes by local name, without namespace declarations; undefined where there are no others. Of two with one local
 * name, the second keeps its prefix.
 */
export function localAttributes(attributes: Attributes): Attributes | undefined {
  let local: Record<string, string> | undefined;
  for (const name in attributes) {
    if (name === "xmlns" || name.startsWith("xmlns:")) continue;
    const short = localName(name);
    local ??= Object.create(null) as Record<string, string>;
    local[short in local ? name : short] = attributes[name]!;
  }
  return local;
}

/** A text where the element has nothing else; otherwise an object of its attributes ("@Ccy"), children and text ("#text"). */
export function nodeValue(node: XmlNode): unknown {
  const text = node.text.trim();
  if (node.children.length === 0 && !node.attributes) return text;
  const value: Record<string, unknown> = {};
  for (const name in node.attributes) value[`@${name}`] = node.attributes[name];
  for (const child of node.children) addChild(value, child.name, nodeValue(child));
  if (text !== "") value["#text"] = text;
  return value;
}

/** Children of one name become a list, which no single child is. */
function addChild(value: Record<string, unknown>, name: string, child: unknown): void {
  const before = Object.hasOwn(value, name) ? value[name] : undefined;
  if (Array.isArray(before)) before.push(child);
  else if (before !== undefined) value[name] = [before, child];
  // An assignment would change the prototype.
  else if (name === "__proto__")
    Object.defineProperty(value, name, { value: child, enumerable: true, writable: true, configurable: true });
  else value[name] = child;
}
