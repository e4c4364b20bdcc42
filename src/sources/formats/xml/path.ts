import { UserError } from "../../../model/errors.ts";
import { localName, nodeValue, type XmlNode } from "./node.ts";

/** Where a field's value is, seen from the record. */
export interface FieldPath {
  readonly field: string;
  /** As it was written. */
  readonly written: string;
  /** How many elements it climbs before it goes down. */
  readonly up: number;
  /** Local names of the elements on the way down. */
  readonly steps: readonly string[];
  /** The attribute it ends at. */
  readonly attribute?: string;
  /** Every value there is, as a list. */
  readonly list: boolean;
}

const STEP = /^[\p{L}_][\p{L}\p{M}\p{N}_.·-]*$/u;

/** "../../Acct/Id/@Type", "Amt", "@id", "." (the record's own text), "NtryDtls/TxDtls[]". */
export function parseFieldPath(field: string, written: string): FieldPath {
  const list = written.endsWith("[]");
  const parts = (list ? written.slice(0, -2) : written).split("/");
  const up = parts.findIndex((part) => part !== "..");
  const down = up === -1 ? [] : parts.slice(up);
  const last = down.at(-1) ?? "";
  const attribute = last.startsWith("@") ? localName(last.slice(1)) : undefined;
  if (attribute !== undefined || last === ".") down.pop();
  const steps = down.map(localName);
  const names = attribute === undefined ? steps : [...steps, attribute];
  if (up === -1 || (last === "." && (up > 0 || steps.length > 0)) || !names.every((name) => STEP.test(name)))
    throw new UserError({
      message: `"${written}" is not a path to a field (${field})`,
      expected: "such as Amt, Amt/@Ccy, ../Acct/Id/IBAN, NtryDtls/TxDtls[]",
    });
  return { field, written, up, steps, list, ...(attribute === undefined ? {} : { attribute }) };
}

/** The values at a path below an element, in the order of the document. */
export function valuesAt(node: XmlNode, { steps, attribute, list }: FieldPath): unknown[] {
  let nodes: readonly XmlNode[] = [node];
  for (const step of steps) nodes = childrenOf(nodes, step);
  if (attribute === undefined) return nodes.map((found) => (list ? nodeValue(found) : elementValue(found)));
  return nodes.map(({ attributes }) => attributes?.[attribute]).filter((value) => value !== undefined);
}

/** An element's text; an object where it holds other elements. */
export function elementValue(node: XmlNode): unknown {
  return node.children.length === 0 ? node.text.trim() : nodeValue(node);
}

function childrenOf(nodes: readonly XmlNode[], name: string): XmlNode[] {
  const found: XmlNode[] = [];
  for (const node of nodes) for (const child of node.children) if (child.name === name) found.push(child);
  return found;
}
