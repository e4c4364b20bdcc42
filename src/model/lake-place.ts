import { join } from "node:path";
import type { ArchiveDeclaration } from "./declarations.ts";

/** Where a file of a lake is: below what is declared. */
export interface LakePlace {
  readonly archive: ArchiveDeclaration;
  readonly path: string;
}

export function isBucket({ to }: ArchiveDeclaration): boolean {
  return to.startsWith("s3://");
}

/** The whole path, or address, of a file. */
export function lakeAddress({ archive, path }: LakePlace): string {
  return isBucket(archive) ? `${archive.to.replace(/\/+$/, "")}/${path}` : join(archive.to, path);
}
