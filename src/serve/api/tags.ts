import { createHash } from "node:crypto";
import type { DeclaredEndpoint } from "../../model/api.ts";
import type { Encoding } from "./negotiate.ts";
import type { Source } from "./statements.ts";

/** `ETag`s of one page, by how it is packed. */
export type Tags = Readonly<Record<Encoding, string>>;

/** Release, declaration, columns, format and packing: where all are the same, so are the bytes of an address. */
export function tagsOf(endpoint: DeclaredEndpoint, { cells }: Source, release: number): Tags {
  const columns = cells.map(({ name, type }) => `${name} ${type}`).join();
  const hash = hashOf(`${declarationOf(endpoint)}\n${columns}`);
  const tag = `r${release}-${hash.slice(0, 8)}-json`;
  return { identity: `W/"${tag}"`, br: `W/"${tag}-br"`, gzip: `W/"${tag}-gzip"` };
}

const known = new WeakMap<DeclaredEndpoint, string>();

/** Names a declaration: one that says anything else has another name. */
export function declarationOf(endpoint: DeclaredEndpoint): string {
  let name = known.get(endpoint);
  if (name === undefined) {
    name = hashOf(JSON.stringify(endpoint)).slice(0, 16);
    known.set(endpoint, name);
  }
  return name;
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
