import type { CsvOptions, RecordSchema } from "../../../model/declarations.ts";
import type { SourceRecord } from "../../json/document.ts";
import { coerce, schemaTypesOf } from "./coerce.ts";
import { respelled } from "./respell.ts";

/** Texts of cells, kept from a file whose columns nobody knew then, as a record of what the schema knows now. */
export class CsvTexts implements SourceRecord {
  readonly position = "";
  readonly hasTexts = true;
  readonly value: Readonly<Record<string, unknown>>;
  /** Why a text is none that the file writes so. */
  readonly problem: string | undefined;
  readonly #texts = new Map<string, string>();

  constructor(found: Readonly<Record<string, string>>, options: CsvOptions, { columns, schema }: RecordSchema) {
    const properties = (schema.properties ?? {}) as Readonly<Record<string, unknown>>;
    const value: Record<string, unknown> = Object.create(null);
    const problems: string[] = [];
    for (const column of columns) {
      const { name } = column;
      if (!Object.hasOwn(found, name)) continue;
      const text = respelled(found[name]!, options, column, problems);
      if (text === null) continue;
      this.#texts.set(name, text);
      value[name] = coerce(text, schemaTypesOf(properties[name]));
    }
    this.value = value;
    this.problem = problems.length ? problems.join("; ") : undefined;
  }

  text(): string {
    return JSON.stringify(Object.fromEntries(this.#texts));
  }

  fieldText(name: string): string | undefined {
    return this.#texts.get(name);
  }
}
