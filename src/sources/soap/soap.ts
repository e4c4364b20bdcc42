import type { SoapDeclaration, SoapStream, StreamDeclaration, XmlOptions } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { readXml } from "../formats/xml.ts";
import { type AnswerType, checkAnswer, refusal } from "../http/answer.ts";
import { openReader } from "../http/auth.ts";
import { type HttpHooks, type HttpReader, type PatientCall, TryAgain } from "../http/reader.ts";
import { withoutSecrets } from "../http/redact.ts";
import type { Answer } from "../http/request.ts";
import type { SourcePage } from "../source.ts";

export type SoapStreamDeclaration = Pick<StreamDeclaration, "name"> & { readonly connector: SoapStream };

const NAMESPACES = {
  "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
  "1.2": "http://www.w3.org/2003/05/soap-envelope",
};
const XML_ANSWER: AnswerType = {
  name: "XML",
  expected: "text/xml or application/soap+xml",
  pattern: /^[^;]*[/+]xml\b/i,
};
/** Bytes at the beginning and at the end in which the envelope's tags must be. */
const EDGE_BYTES = 4096;

/**
 * Calls one operation and reads its answer. The answer is received whole before its first record is given out, so that
 * one that is cut is asked for again.
 */
export async function* readSoap(
  connector: SoapDeclaration,
  stream: SoapStreamDeclaration,
  since: string | null,
  options: HttpHooks = {},
): AsyncGenerator<SourcePage> {
  const read = readXml(stream.connector.xml);
  const reader = openReader("soap", connector, options);
  try {
    const call = callOf(connector, stream.connector, since);
    const answer = await reader.call(call, async (one) => {
      await checkEnvelope(one, reader);
      return one;
    });
    yield* aboutAnswer(read(once(answer.body)), answer);
  } catch (error) {
    throw withoutSecrets(error, reader.redact);
  } finally {
    await reader.close();
  }
}

function callOf({ baseUrl }: SoapDeclaration, stream: SoapStream, since: string | null): PatientCall {
  const { path, action, version, body } = stream;
  if (/[^\x20-\x7e]|["\\]/.test(action)) {
    throw new UserError({ message: "the SOAP action cannot be sent", expected: "a URI", found: action.slice(0, 100) });
  }
  const headers: Record<string, string> = { accept: "text/xml, application/soap+xml, application/xml" };
  if (version === "1.1") {
    headers["content-type"] = "text/xml; charset=utf-8";
    headers.soapaction = `"${action}"`;
  } else {
    headers["content-type"] = `application/soap+xml; charset=utf-8${action === "" ? "" : `; action="${action}"`}`;
  }
  const filled = body.replaceAll("{since}", () => escapeXml(since ?? ""));
  return {
    url: new URL(baseUrl.replace(/\/+$/, "") + path),
    method: "POST",
    headers,
    body:
      `<?xml version="1.0" encoding="utf-8"?>\n` +
      `<soap:Envelope xmlns:soap="${NAMESPACES[version]}"><soap:Body>${filled}</soap:Body></soap:Envelope>`,
    // A fault comes with it.
    judged: [500],
  };
}

function escapeXml(text: string): string {
  const names: Readonly<Record<string, string>> = { "&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos" };
  return text.replace(/[&<>"']/g, (character) => `&${names[character]};`);
}

/** @throws UserError for a fault and for what is no SOAP answer, TryAgain for one that is cut or a failure without a fault. */
async function checkEnvelope(answer: Answer, reader: HttpReader): Promise<void> {
  const isXml = XML_ANSWER.pattern.test(answer.headers.get("content-type") ?? "");
  if (isXml && mayHoldFault(answer.body)) await refuseFault(answer, reader);
  if (answer.status === 500) throw new TryAgain();
  checkAnswer(answer, reader, XML_ANSWER);
  const beginning = plainText(answer.body.subarray(0, EDGE_BYTES));
  if (!/<(?:[^\s<>:]+:)?Envelope[\s>]/.test(beginning)) {
    throw refusal(answer, reader, "does not answer with SOAP", "a soap:Envelope", "check soap.baseUrl and path");
  }
  const end = plainText(answer.body.subarray(-EDGE_BYTES));
  if (!/<\/(?:[^\s<>:]+:)?Envelope\s*>(?:\s|<!--(?:[^-]|-[^-])*-->)*$/.test(end))
    throw new TryAgain("the XML is cut short");
}

/** The ASCII characters, of UTF-16 too. */
function plainText(bytes: Buffer): string {
  return bytes.toString("latin1").replaceAll("\0", "");
}

/** A quick look: no answer without the word has a fault, as far as the word can be seen in its encoding. */
function mayHoldFault(body: Buffer): boolean {
  return body.includes("Fault") || body.subarray(0, 4).includes(0) || (body[0] ?? 0) >= 0xfe;
}

/** Where the two versions have what they say. */
const FAULT: XmlOptions = {
  record: "Envelope/Body/Fault",
  fields: {
    code: "faultcode",
    text: "faultstring",
    code12: "Code/Value",
    subcode: "Code/Subcode/Value",
    text12: "Reason/Text[]",
  },
};

async function refuseFault(answer: Answer, reader: HttpReader): Promise<void> {
  const fault = await firstRecord(answer);
  if (fault === undefined) return;
  const texts = Array.isArray(fault.text12) ? fault.text12 : [];
  const [text12] = texts.map((one) => (typeof one === "string" ? one : (one as Record<string, unknown>)["#text"]));
  const codes = [fault.code ?? fault.code12, fault.subcode].filter((one) => typeof one === "string");
  const code = codes.length > 0 ? reader.excerpt(codes.join(", ")) : "without a code";
  const text = reader.excerpt(String(fault.text ?? text12 ?? ""), 300);
  throw new UserError({
    message: `${answer.url.origin}${answer.url.pathname} answers with a SOAP fault`,
    expected: "a soap:Body with records",
    found: `${code}: ${text}`,
    hint: "check the stream's body and action",
    code,
    exitCode: 1,
  });
}

/** Undefined for an answer without a fault; one that is no XML is judged later. */
async function firstRecord(answer: Answer): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    for await (const { records } of readXml(FAULT)(once(answer.body))) {
      return records[0]?.value as Readonly<Record<string, unknown>> | undefined;
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
  return undefined;
}

/** The pages, and errors that speak of the answer in place of a file. */
async function* aboutAnswer(pages: AsyncIterable<SourcePage>, { url }: Answer): AsyncGenerator<SourcePage> {
  try {
    yield* pages;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { message, expected, found, hint, cause, exitCode } = error;
    const about = `the answer of ${url.origin}${url.pathname} cannot be read: ${message.replace("the file", "it")}`;
    throw new UserError({ message: about, expected, found, hint, cause, exitCode });
  }
}

async function* once(body: Buffer): AsyncGenerator<Uint8Array> {
  yield body;
}
