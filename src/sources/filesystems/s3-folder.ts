import type { S3Options } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { percentDecoded } from "../../model/percent.ts";
import { transientStatus } from "./download.ts";
import { bucketUrl, checkAnswer, objectUrl, type PutBody, signedStore } from "./s3-store.ts";
import type { Answer } from "./transfer.ts";

/** A prefix of a bucket that files are written to. */
export interface S3Folder {
  has(path: string): Promise<boolean>;
  /** It is there whole, or not at all; one of that name is replaced. */
  put(path: string, body: PutBody): Promise<void>;
  get(path: string): Promise<AsyncIterable<Uint8Array>>;
  close(): Promise<void>;
}

/** What a store takes at once. */
const LARGEST = 5 * 1024 ** 3;

const PATIENCE = { timeoutSeconds: 60, retry: { attempts: 5, maxDelaySeconds: 30 } };
const AT = "archive";

/** @throws UserError where the store is not one */
export async function openS3Folder({
  to,
  s3,
}: {
  readonly to: string;
  readonly s3?: S3Options | undefined;
}): Promise<S3Folder> {
  const place = new URL(to);
  const root = bucketUrl(place.host, s3, AT);
  const prefix = (percentDecoded(place.pathname) ?? place.pathname).replace(/^\/+|\/+$/g, "");
  const store = await signedStore({ ...PATIENCE, s3 }, root, {});
  const urlOf = (path: string) => objectUrl(root, prefix === "" ? path : `${prefix}/${path}`);

  /** What the store answers, tried again where that may mend it. */
  const asked = (
    url: URL,
    ask: () => Promise<Answer>,
    { done, also }: { readonly done: string; readonly also?: number },
  ) =>
    store.patience(url.href, done).do(async () => {
      const answer = await ask();
      const busy = transientStatus(answer);
      if (busy) {
        await answer.body.dump();
        throw busy;
      }
      if (answer.statusCode !== also) await checkAnswer(answer, url.href, { at: AT, done });
      return answer;
    });

  return {
    async has(path) {
      const url = urlOf(path);
      const { statusCode, body } = await asked(url, () => store.head(url), { done: "looked for", also: 404 });
      await body.dump();
      return statusCode !== 404;
    },
    async put(path, body) {
      const url = urlOf(path);
      if (body.bytes > LARGEST)
        throw new UserError({
          message: `${url.href} would be larger than a store takes at once`,
          expected: `at most ${LARGEST} bytes`,
          found: `${body.bytes} bytes`,
          hint: "partitions of a day instead of a month, or a folder",
          exitCode: 1,
        });
      const answer = await asked(url, () => store.put(url, body), { done: "written" });
      await answer.body.dump();
    },
    async get(path) {
      const url = urlOf(path);
      return (await asked(url, () => store.get(url), { done: "read back" })).body;
    },
    close: store.close,
  };
}
