import type { Readable } from "node:stream";
import type { RetryDeclaration, S3Options } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { ownValue } from "../../model/own-value.ts";
import { guardedDispatcher, guardedRequest } from "../http/network.ts";
import { headerOf } from "./download.ts";
import { readError } from "./s3-answers.ts";
import { type Answer, type FilesystemDeps, Patience } from "./transfer.ts";

/** What is put into a store. */
export interface PutBody {
  /** Anew for each try. */
  readonly open: () => Readable;
  readonly bytes: number;
  /** In hexadecimal: the store compares it with what came. */
  readonly sha256: string;
}

/** A bucket, asked with the keys that belong to it. */
export interface S3Store {
  get(url: URL, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  head(url: URL): Promise<Answer>;
  put(url: URL, body: PutBody): Promise<Answer>;
  /**
   * @param name of what is tried, for messages
   * @param done what is done with it: read
   */
  patience(name: string, done?: string): Patience;
  close(): Promise<void>;
}

export interface S3Access {
  /** Seconds for one request. */
  readonly timeoutSeconds: number;
  readonly retry: RetryDeclaration;
  readonly s3?: S3Options | undefined;
}

type Asked = Omit<Parameters<typeof guardedRequest>[1], "dispatcher" | "policy" | "credentials" | "timeoutSeconds">;

export async function signedStore(access: S3Access, root: URL, deps: FilesystemDeps): Promise<S3Store> {
  const { AwsV4Signer } = await import("aws4fetch");
  const policy = { trusted: [root], ...(deps.lookup ? { lookup: deps.lookup } : {}) };
  const dispatcher = guardedDispatcher(policy);
  const { s3 = {}, timeoutSeconds, retry } = access;
  const keys = keysOf(s3);
  const ask = async (url: URL, { method = "GET", headers = {}, body }: Asked) => {
    const credentials: Record<string, string> = {};
    if (keys) {
      const given = { ...keys, url: url.href, method, headers, service: "s3", region: regionOf(s3) };
      const signed = await new AwsV4Signer(given).sign();
      for (const [name, value] of signed.headers) if (name !== "host") credentials[name] = value;
    }
    return guardedRequest(url, {
      ...{ dispatcher, policy, method, headers, credentials, timeoutSeconds },
      ...(body ? { body } : {}),
    });
  };
  return {
    get: (url, headers = {}) => ask(url, { headers }),
    head: (url) => ask(url, { method: "HEAD" }),
    put: (url, { open, bytes, sha256 }) =>
      ask(url, {
        method: "PUT",
        headers: { "content-length": String(bytes), "x-amz-content-sha256": sha256 },
        body: open,
      }),
    patience: (name, done) => new Patience(name, retry, deps, done),
    close: () => dispatcher.destroy(),
  };
}

/** The address of an object. */
export function objectUrl(root: URL, key: string): URL {
  return new URL(key.split("/").map(encodeURIComponent).join("/"), root);
}

/**
 * @param at where the store is declared: files
 * @throws UserError in the words of the store, for an answer that is not what was asked for
 */
export async function checkAnswer(
  answer: Answer,
  name: string,
  { at = "files", done = "read" }: { readonly at?: string; readonly done?: string } = {},
): Promise<void> {
  const { statusCode } = answer;
  if (statusCode === 200 || statusCode === 206) return;
  const { code, message } = await readError(answer.body, name);
  const region = headerOf(answer, "x-amz-bucket-region");
  const hints: Readonly<Record<string, string>> = {
    NoSuchBucket: `check the name of the bucket in ${at === "files" ? "files.at" : `${at}.to`}`,
    NoSuchKey: "it was deleted since it was listed; run the load again",
    AccessDenied: `the key needs s3:ListBucket for the bucket and s3:GetObject${at === "files" ? "" : " and s3:PutObject"} for its objects`,
    InvalidAccessKeyId: `check ${at}.s3.accessKeyId`,
    SignatureDoesNotMatch: `check ${at}.s3.secretAccessKey`,
    RequestTimeTooSkewed: "set the clock of this machine",
    InvalidObjectState: "it is archived: restore it first",
  };
  const hint = region && statusCode !== 403 ? `write ${at}.s3.region: ${region}` : ownValue(hints, code);
  throw new UserError({
    message: `${name} cannot be ${done}`,
    expected: "HTTP 200",
    found: `HTTP ${statusCode}${code ? ` ${code}` : ""}${message ? `: ${message}` : ""}`,
    ...(hint === undefined ? {} : { hint }),
    code: code || String(statusCode),
    exitCode: 1,
  });
}

/** @param at where the store is declared: files */
export function bucketUrl(bucket: string, options: S3Options = {}, at = "files"): URL {
  if (options.endpoint === undefined) {
    const host = `s3.${regionOf(options)}.amazonaws.com`;
    // A dot in the name would not fit the certificate.
    return new URL(bucket.includes(".") ? `https://${host}/${bucket}/` : `https://${bucket}.${host}/`);
  }
  const endpoint = URL.canParse(options.endpoint) ? new URL(options.endpoint) : undefined;
  const fine = endpoint && /^https?:$/.test(endpoint.protocol) && !endpoint.username && !endpoint.search;
  if (!fine) {
    throw new UserError({
      message: `${at}.s3.endpoint is not a web address`,
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
      message: `s3 has no ${missing}`,
      expected: "accessKeyId and secretAccessKey, or neither",
    });
  }
  return {
    accessKeyId: accessKeyId.reveal(),
    secretAccessKey: secretAccessKey.reveal(),
    ...(sessionToken ? { sessionToken: sessionToken.reveal() } : {}),
  };
}
