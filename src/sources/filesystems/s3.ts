import type { Dispatcher } from "undici";
import type { FilesDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { ownValue } from "../../model/own-value.ts";
import { parseGlob } from "../files/glob.ts";
import { guardedDispatcher, guardedRequest } from "../http/network.ts";
import type { Filesystem, SourceFile } from "../source.ts";
import { folderOf, placeUrl } from "./address.ts";
import { download, headerOf, transientStatus } from "./download.ts";
import { endlessListing } from "./endless.ts";
import { type ListedObject, readError, readListing } from "./s3-answers.ts";
import { type FilesystemDeps, Patience } from "./transfer.ts";
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

interface Store {
  get(url: URL, headers?: Readonly<Record<string, string>>): Promise<Dispatcher.ResponseData>;
  patience(name: string): Patience;
  close(): Promise<void>;
}

async function signedStore(connector: FilesDeclaration, root: URL, deps: FilesystemDeps): Promise<Store> {
  const { AwsV4Signer } = await import("aws4fetch");
  const policy = { trusted: [root], ...(deps.lookup ? { lookup: deps.lookup } : {}) };
  const dispatcher = guardedDispatcher(policy);
  const keys = keysOf(connector.s3 ?? {});
  return {
    async get(url, headers = {}) {
      const credentials: Record<string, string> = {};
      if (keys) {
        const signed = await new AwsV4Signer({
          ...keys,
          url: url.href,
          service: "s3",
          region: regionOf(connector.s3),
        }).sign();
        for (const [name, value] of signed.headers) if (name !== "host") credentials[name] = value;
      }
      const { timeoutSeconds } = connector;
      return guardedRequest(url, { dispatcher, policy, headers, credentials, timeoutSeconds });
    },
    patience: (name) => new Patience(name, connector.retry, deps),
    close: () => dispatcher.destroy(),
  };
}

/** All pages of ListObjectsV2. */
async function* pagesOf(store: Store, root: URL, prefix: string): AsyncGenerator<readonly ListedObject[]> {
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

function sourceFile(store: Store, root: URL, path: string, object: ListedObject): SourceFile {
  const { key, size, modifiedAt, etag } = object;
  const url = new URL(key.split("/").map(encodeURIComponent).join("/"), root);
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

/** Throws a UserError, in the words of the store, for an answer that is not what was asked for. */
async function checkAnswer(answer: Dispatcher.ResponseData, name: string): Promise<void> {
  const { statusCode } = answer;
  if (statusCode === 200 || statusCode === 206) return;
  const { code, message } = await readError(answer.body, name);
  const region = headerOf(answer, "x-amz-bucket-region");
  const hints: Readonly<Record<string, string>> = {
    NoSuchBucket: "check the name of the bucket in files.at",
    NoSuchKey: "it was deleted since it was listed; run the load again",
    AccessDenied: "the key needs s3:ListBucket for the bucket and s3:GetObject for its objects",
    InvalidAccessKeyId: "check files.s3.accessKeyId",
    SignatureDoesNotMatch: "check files.s3.secretAccessKey",
    RequestTimeTooSkewed: "set the clock of this machine",
    InvalidObjectState: "it is archived: restore it first",
  };
  const hint = region && statusCode !== 403 ? `write files.s3.region: ${region}` : ownValue(hints, code);
  throw new UserError({
    message: `${name} cannot be read`,
    expected: "HTTP 200",
    found: `HTTP ${statusCode}${code ? ` ${code}` : ""}${message ? `: ${message}` : ""}`,
    ...(hint === undefined ? {} : { hint }),
    code: code || String(statusCode),
    exitCode: 1,
  });
}

type S3Options = NonNullable<FilesDeclaration["s3"]>;

function bucketUrl(bucket: string, options: S3Options = {}): URL {
  if (options.endpoint === undefined) {
    const host = `s3.${regionOf(options)}.amazonaws.com`;
    // A dot in the name would not fit the certificate.
    return new URL(bucket.includes(".") ? `https://${host}/${bucket}/` : `https://${bucket}.${host}/`);
  }
  const endpoint = URL.canParse(options.endpoint) ? new URL(options.endpoint) : undefined;
  const fine = endpoint && /^https?:$/.test(endpoint.protocol) && !endpoint.username && !endpoint.search;
  if (!fine) {
    throw new UserError({
      message: "files.s3.endpoint is not a web address",
      expected: "such as http://127.0.0.1:9000",
    });
  }
  return new URL(`${endpoint.pathname.replace(/\/+$/, "")}/${bucket}/`, endpoint);
}

function regionOf({ region }: S3Options = {}): string {
  return region ?? "us-east-1";
}

/** Undefined for a bucket that anybody may read. */
function keysOf({ accessKeyId, secretAccessKey, sessionToken }: S3Options) {
  if (!accessKeyId && !secretAccessKey) return undefined;
  if (!accessKeyId || !secretAccessKey) {
    const missing = accessKeyId ? "secretAccessKey" : "accessKeyId";
    throw new UserError({
      message: `files.s3 has no ${missing}`,
      expected: "accessKeyId and secretAccessKey, or neither",
    });
  }
  return {
    accessKeyId: accessKeyId.reveal(),
    secretAccessKey: secretAccessKey.reveal(),
    ...(sessionToken ? { sessionToken: sessionToken.reveal() } : {}),
  };
}
