import type { FilesDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { parseGlob } from "../files/glob.ts";
import type { Filesystem, SourceFile } from "../source.ts";
import { folderOf, placeUrl } from "./address.ts";
import { download, transientStatus } from "./download.ts";
import { endlessListing } from "./endless.ts";
import { type ListedObject, readListing } from "./s3-answers.ts";
import { bucketUrl, checkAnswer, objectUrl, type S3Store, signedStore } from "./s3-store.ts";
import type { FilesystemDeps } from "./transfer.ts";
import { byPath } from "./walk.ts";

/** The objects of a bucket whose keys begin with a prefix. */
export async function openS3(connector: FilesDeclaration, deps: FilesystemDeps): Promise<Filesystem> {
  const place = placeUrl(connector);
  const bucket = place.host;
  const prefix = folderOf(place).replace(/^\/+|\/+$/g, "");
  const root = bucketUrl(bucket, connector.s3);
  const store = await signedStore(connector, root, deps);
  const below = (path: string) => (prefix === "" ? path : `${prefix}/${path}`);
  return {
    list: async (text) => {
      const glob = parseGlob(text);
      const found: SourceFile[] = [];
      const goOn = endlessListing(root.href, deps);
      for await (const page of pagesOf(store, root, below(/^[^*?[{]*/.exec(text)![0]))) {
        for (const object of page) {
          if (!object.key.startsWith(below(""))) continue;
          const path = object.key.slice(below("").length);
          if (glob.matches(path)) found.push(sourceFile(store, root, path, object));
        }
        goOn(found.length);
      }
      return byPath(found);
    },
    close: store.close,
  };
}

/** All pages of ListObjectsV2. */
async function* pagesOf(store: S3Store, root: URL, prefix: string): AsyncGenerator<readonly ListedObject[]> {
  const seen = new Set<string>();
  for (let token: string | undefined; ; ) {
    const url = new URL(root);
    const query = {
      "list-type": "2",
      "encoding-type": "url",
      prefix,
      ...(token ? { "continuation-token": token } : {}),
    };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const name = `the listing of ${root.href}`;
    const page = await store.patience(name).do(async () => {
      const answer = await store.get(url);
      const busy = transientStatus(answer);
      if (busy) {
        await answer.body.dump();
        throw busy;
      }
      await checkAnswer(answer, name);
      return readListing(answer.body, name);
    });
    yield page.objects;
    token = page.nextToken;
    if (token === undefined) return;
    if (seen.has(token)) throw new UserError({ message: `${name} goes in a circle`, exitCode: 1 });
    seen.add(token);
  }
}

function sourceFile(store: S3Store, root: URL, path: string, object: ListedObject): SourceFile {
  const { key, size, modifiedAt, etag } = object;
  const url = objectUrl(root, key);
  const name = url.href;
  const validator = etag === undefined ? undefined : ({ header: "etag", value: etag } as const);
  return {
    path,
    size,
    modifiedAt,
    ...(etag === undefined ? {} : { version: etag }),
    open: async () =>
      download(
        { name, size, validator, check: (answer) => checkAnswer(answer, name) },
        store.patience(name),
        (headers) => store.get(url, headers),
      ),
  };
}
