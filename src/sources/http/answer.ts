import { gunzipSync } from "node:zlib";
import { UserError } from "../../model/errors.ts";
import { type JsonDocument, parseJson } from "../json/document.ts";
import { type HttpReader, TryAgain } from "./reader.ts";
import { type Answer, MAX_BODY_BYTES, tooLarge } from "./request.ts";

/** What an answer should be. */
export interface AnswerType {
  readonly name: string;
  readonly expected: string;
  readonly pattern: RegExp;
}

const JSON_ANSWER: AnswerType = { name: "JSON", expected: "application/json", pattern: /[/+]json\b/i };
/** Stores of files often do not know what is in them. */
const JSON_FILE: AnswerType = { ...JSON_ANSWER, pattern: /[/+](json|octet-stream|(x-)?gzip)\b|^text\/plain\b/i };

/** GETs a JSON document; one that is cut short is asked for again. */
export function getJson(reader: HttpReader, url: URL): Promise<JsonDocument> {
  return reader.call({ url, headers: { accept: "application/json" } }, (answer) => readJson(answer, reader));
}

/** GETs a JSON document that is stored as a file, packed by gzip or not. */
export function getJsonFile(reader: HttpReader, url: URL): Promise<JsonDocument> {
  return reader.call({ url, headers: { accept: "application/json, */*;q=0.5" } }, (answer) => {
    const packed = answer.body[0] === 0x1f && answer.body[1] === 0x8b;
    return readJson(packed ? { ...answer, body: unpack(answer) } : answer, reader, JSON_FILE);
  });
}

function unpack({ body, url }: Answer): Buffer {
  try {
    return gunzipSync(body, { maxOutputLength: MAX_BODY_BYTES });
  } catch (error) {
    if ((error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(url);
    throw new TryAgain(`the file cannot be unpacked: ${(error as Error).message}`);
  }
}

/** @throws UserError for an answer that is no good JSON one, TryAgain for one that is cut. */
export function readJson(answer: Answer, reader: HttpReader, type = JSON_ANSWER): JsonDocument {
  checkAnswer(answer, reader, type);
  const text = jsonText(answer, reader);
  if (/^\s*</.test(text)) throw refusal(answer, reader, "does not answer with JSON", type.expected, wrongPage(reader));
  try {
    return parseJson(text);
  } catch (error) {
    // Without the parser's words, which repeat a piece of the text.
    if (error instanceof SyntaxError) throw new TryAgain("the JSON is cut short or broken");
    throw error;
  }
}

/** @throws UserError for an answer that refuses, or is of another type. */
export function checkAnswer(answer: Answer, reader: HttpReader, type: AnswerType): void {
  const { status, headers } = answer;
  const { key, authorizer } = reader.options;
  if (status === 401 || status === 403) {
    const subject = authorizer?.subject ?? `a request without a token (${key}.auth.bearer)`;
    throw refusal(answer, reader, `does not accept ${subject}`, "HTTP 200", authorizer?.hint ?? `add ${key}.auth`);
  }
  if (status < 200 || status > 299) {
    const hint =
      status === 404 ? `check ${key}.baseUrl and the stream's path` : "check the stream's path and parameters";
    throw refusal(answer, reader, "refuses the request", "HTTP 200", hint);
  }
  if (type.pattern.test(headers.get("content-type") ?? "")) return;
  throw refusal(answer, reader, `does not answer with ${type.name}`, type.expected, wrongPage(reader));
}

function wrongPage({ options: { key } }: HttpReader): string {
  return `check ${key}.baseUrl: this may be a login or error page`;
}

/** An error that shows the beginning of the answer. */
export function refusal(
  { url, status, headers, body }: Answer,
  reader: HttpReader,
  message: string,
  expected: string,
  hint: string,
): UserError {
  const type = headers.get("content-type") ?? "no content type";
  return new UserError({
    message: `${url.origin}${url.pathname} ${message}`,
    expected,
    found: `HTTP ${status}, ${type}: ${reader.excerpt(body.toString("utf8", 0, 64 * 1024))}`,
    hint,
    code: String(status),
    exitCode: 1,
  });
}

function jsonText(answer: Answer, reader: HttpReader): string {
  const charset = /charset="?([^";\s]+)/i.exec(answer.headers.get("content-type") ?? "")?.[1];
  try {
    if (charset && !/^utf-?8$|^us-ascii$/i.test(charset)) throw new TypeError(charset);
    return new TextDecoder("utf-8", { fatal: true }).decode(answer.body);
  } catch {
    const expected = "UTF-8, the encoding of JSON";
    throw refusal(answer, reader, "answers in another encoding", expected, "the source must send UTF-8");
  }
}
