import { posix } from "node:path";
import { nearest } from "../../../model/nearest.ts";
import { unreadable } from "../file-errors.ts";
import type { SpooledFile } from "../spool.ts";
import { readElements } from "../xml/elements.ts";
import { type Attributes, localAttributes, localName } from "../xml/node.ts";
import { builtinKind, formatKind, type NumberKind } from "./dates.ts";
import { ZipArchive } from "./zip.ts";

/** Characters of one text of a workbook: many more than the 32,767 of Excel. */
export const MAX_TEXT = 1024 * 1024;

interface Sheet {
  readonly name: string;
  readonly hidden: boolean;
  /** The part of the archive; undefined for what has no cells, such as a sheet that is a chart. */
  readonly part: string | undefined;
}

/** What a workbook says beside its cells. */
export interface Workbook {
  readonly archive: ZipArchive;
  readonly sheets: readonly Sheet[];
  readonly from1904: boolean;
  /** The part with the texts that sheets share. */
  readonly strings: string | undefined;
  /** What the number of each style is. */
  readonly kinds: readonly NumberKind[];
}

/** @throws UserError for what is no workbook of this kind */
export async function openWorkbook(file: SpooledFile): Promise<Workbook> {
  await refuseOthers(file);
  const archive = await ZipArchive.open(file);
  const main = await mainPart(archive);
  const links = await linksOf(archive, main);
  const byType = (type: string) => [...links.values()].find((link) => link.type === type)?.part;
  const sheets: Sheet[] = [];
  let from1904 = false;
  await eachElement(archive, main, (name, attributes) => {
    if (name === "workbookPr") from1904 = /^(?:1|true|on)$/.test(attributes.date1904 ?? "");
    if (name !== "sheet") return;
    const link = links.get(attributes.id ?? "");
    const part = link?.type === "worksheet" ? link.part : undefined;
    sheets.push({ name: attributes.name ?? "", hidden: /hidden/i.test(attributes.state ?? ""), part });
  });
  const styles = byType("styles");
  const kinds = styles === undefined ? [] : await kindsOf(archive, styles);
  return { archive, sheets, from1904, strings: byType("sharedStrings"), kinds };
}

/** The sheet that is named or numbered, from 1; the first that is shown where none is. */
export function chooseSheet(
  { sheets }: Workbook,
  chosen: string | number | undefined,
): Sheet & { readonly part: string } {
  const found =
    chosen === undefined
      ? sheets.find(({ hidden, part }) => !hidden && part !== undefined)
      : typeof chosen === "number"
        ? sheets[chosen - 1]
        : sheets.find(({ name }) => name.toLowerCase() === chosen.toLowerCase());
  if (found?.part !== undefined) return { ...found, part: found.part };
  const names = sheets.map(({ name }) => name);
  const suggestion = typeof chosen === "string" ? nearest(chosen, names) : undefined;
  const listed =
    names
      .slice(0, 20)
      .map((name) => JSON.stringify(name))
      .join(", ") || "no sheet";
  if (chosen === undefined)
    throw unreadable("the workbook shows no sheet with cells", {
      found: listed,
      hint: "xlsx.sheet names a hidden one",
    });
  throw unreadable(found ? `the sheet ${chosen} has no cells` : `the workbook has no sheet ${JSON.stringify(chosen)}`, {
    expected: "one of its sheets, by name or number (xlsx.sheet)",
    found: listed,
    ...(suggestion === undefined ? {} : { hint: `did you mean "${suggestion}"?` }),
  });
}

const OLD_FILE = "d0cf11e0a1b11ae1";

async function refuseOthers(file: SpooledFile): Promise<void> {
  const head = Buffer.from(await file.bytesAt(0, 8)).toString("hex");
  if (head === OLD_FILE) {
    const isEncrypted = await holds(file, Buffer.from("EncryptedPackage", "utf16le"));
    throw isEncrypted
      ? unreadable("the workbook is encrypted", { hint: "save it without a password" })
      : unreadable("the file is a workbook of the old kind (.xls)", { expected: ".xlsx", hint: "save it as .xlsx" });
  }
  if (!head.startsWith("504b"))
    throw unreadable("the file is not an Excel workbook", {
      expected: "a .xlsx file",
      hint: "is its format another one?",
    });
}

/** Whether the bytes are in the file. */
async function holds(file: SpooledFile, bytes: Buffer): Promise<boolean> {
  const step = 1024 * 1024;
  for (let at = 0; at < file.byteLength; at += step)
    if (Buffer.from(await file.bytesAt(at, step + bytes.length)).includes(bytes)) return true;
  return false;
}

async function mainPart(archive: ZipArchive): Promise<string> {
  const links = archive.has("_rels/.rels") ? await linksOf(archive, "") : new Map<string, Link>();
  const part = [...links.values()].find(({ type }) => type === "officeDocument")?.part;
  if (part?.endsWith(".bin")) throw unreadable("the file is a binary workbook (.xlsb)", { hint: "save it as .xlsx" });
  if (part !== undefined && archive.has(part)) return part;
  const isOpenDocument = archive.has("mimetype") && archive.has("content.xml");
  throw unreadable(isOpenDocument ? "the file is an OpenDocument (.ods)" : "the archive is no Excel workbook", {
    expected: "a .xlsx file",
    found: archive.names.slice(0, 5).join(", "),
    hint: isOpenDocument ? "save it as .xlsx" : "unpack it first, if a file in it is meant",
  });
}

interface Link {
  /** The last word of the link's type: worksheet, styles. */
  readonly type: string;
  readonly part: string;
}

/** What a part of the archive leads to, by id. "" is the archive itself. */
async function linksOf(archive: ZipArchive, part: string): Promise<ReadonlyMap<string, Link>> {
  const folder = posix.dirname(part);
  const links = new Map<string, Link>();
  const path = posix.join(folder, "_rels", `${posix.basename(part)}.rels`);
  if (!archive.has(path)) return links;
  await eachElement(archive, path, (name, { Id = "", Type = "", Target = "", TargetMode }) => {
    if (name !== "Relationship" || TargetMode === "External") return;
    const target = Target.startsWith("/") ? Target.slice(1) : posix.join(folder, Target);
    links.set(Id, { type: Type.slice(Type.lastIndexOf("/") + 1), part: target });
  });
  return links;
}

async function kindsOf(archive: ZipArchive, part: string): Promise<readonly NumberKind[]> {
  const formats = new Map<number, NumberKind>();
  const kinds: NumberKind[] = [];
  let inCells = false;
  await eachElement(archive, part, (name, { numFmtId = "0", formatCode = "" }) => {
    if (name === "numFmt") formats.set(Number(numFmtId), formatKind(formatCode));
    else if (name === "cellXfs") inCells = true;
    else if (name === "cellStyles" || name === "dxfs") inCells = false;
    else if (name === "xf" && inCells) kinds.push(formats.get(Number(numFmtId)) ?? builtinKind(Number(numFmtId)));
  });
  return kinds;
}

const NONE: Attributes = {};

async function eachElement(
  archive: ZipArchive,
  part: string,
  open: (name: string, attributes: Attributes) => void,
): Promise<void> {
  const handler = {
    open: (name: string, attributes: Attributes | undefined) =>
      open(localName(name), (attributes && localAttributes(attributes)) ?? NONE),
    text: () => {},
    close: () => {},
  };
  for await (const _ of readElements(archive.read(part), handler, MAX_TEXT)) void _;
}
