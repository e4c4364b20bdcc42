import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { Secret, type SoapDeclaration, type SoapStream } from "../../../src/model/declarations.ts";
import type { HttpHooks } from "../../../src/sources/http/reader.ts";
import type { SourceRecord } from "../../../src/sources/json/document.ts";
import { readSoap } from "../../../src/sources/soap/soap.ts";
import { sendJson, startApi } from "../../support/ingest-api.ts";
import { TOKEN } from "../../support/ingest-declaration.ts";
import { bodyOf, failure, testClock } from "../../support/reading.ts";

const NAMESPACE_11 = "http://schemas.xmlsoap.org/soap/envelope/";
const NAMESPACE_12 = "http://www.w3.org/2003/05/soap-envelope";

const soapStream: SoapStream = {
  kind: "soap",
  path: "/orders",
  action: "urn:shop/GetOrders",
  body: '<GetOrders xmlns="urn:shop"><From>{since}</From></GetOrders>',
  xml: { record: "Order", fields: { id: "@id", amount: "Amount" } },
  version: "1.1",
};

interface Call {
  readonly connector?: Partial<SoapDeclaration>;
  readonly stream?: Partial<SoapStream>;
  readonly since?: string | null;
  readonly options?: HttpHooks;
}

async function readAll(url: string, call: Call = {}): Promise<SourceRecord[]> {
  const connector: SoapDeclaration = {
    kind: "soap",
    baseUrl: `${url}/ws/`,
    auth: { bearer: new Secret("SHOP_TOKEN", TOKEN) },
    retry: { attempts: 3, maxDelaySeconds: 30 },
    timeoutSeconds: 10,
    ...call.connector,
  };
  const stream = { name: "orders", connector: { ...soapStream, ...call.stream } };
  const records: SourceRecord[] = [];
  for await (const page of readSoap(connector, stream, call.since ?? null, { ...testClock(), ...call.options })) {
    records.push(...page.records);
  }
  return records;
}

const envelope = (body: string, namespace = NAMESPACE_11) =>
  `<?xml version="1.0"?><S:Envelope xmlns:S="${namespace}"><S:Header/><S:Body>${body}</S:Body></S:Envelope>`;
const orders = envelope(
  '<r:Orders xmlns:r="urn:shop"><r:Order id="1"><r:Amount>1.50</r:Amount></r:Order><r:Order id="2"/></r:Orders>',
);

function sendXml(response: ServerResponse, xml: string | Buffer, status = 200, type = "text/xml; charset=utf-8"): void {
  response.writeHead(status, { "content-type": type }).end(xml);
}

describe("a call", () => {
  test.each([
    ["1.1", NAMESPACE_11, "text/xml; charset=utf-8", '"urn:shop/GetOrders"'],
    ["1.2", NAMESPACE_12, 'application/soap+xml; charset=utf-8; action="urn:shop/GetOrders"', undefined],
  ] as const)("of SOAP %s has its envelope, its type and its action", async (version, namespace, type, action) => {
    const seen: unknown[] = [];
    const api = await startApi(async (request, response) => {
      const { "content-type": contentType, soapaction, authorization } = request.headers;
      seen.push(request.method, request.url, contentType, soapaction, authorization, await bodyOf(request));
      sendXml(response, orders);
    });
    const records = await readAll(api.url, { stream: { version }, since: `2026-01-01<&>"'$&` });
    expect(records.map(({ value }) => value)).toEqual([{ id: "1", amount: "1.50" }, { id: "2" }]);
    expect(records[0]!.position).toBe("record 1, line 1");
    const [method, url, contentType, soapaction, authorization, body] = seen;
    expect([method, url, contentType, soapaction]).toEqual(["POST", "/ws/orders", type, action]);
    expect(authorization).toBe(`Bearer ${TOKEN}`);
    expect(body).toContain(`<soap:Envelope xmlns:soap="${namespace}"><soap:Body><GetOrders xmlns="urn:shop">`);
    expect(body).toContain("<From>2026-01-01&lt;&amp;&gt;&quot;&apos;$&amp;</From></GetOrders></soap:Body>");
  });

  test("has nothing in place of the cursor when there is none yet", async () => {
    let body = "";
    const api = await startApi(async (request, response) => {
      body = await bodyOf(request);
      sendXml(response, orders);
    });
    await readAll(api.url);
    expect(body).toContain("<From></From>");
  });

  test("may be answered with no records", async () => {
    const api = await startApi((_, response) => sendXml(response, envelope('<Orders xmlns="urn:shop"/>')));
    expect(await readAll(api.url)).toEqual([]);
  });

  test("may be answered in UTF-16", async () => {
    const text = envelope("<Order id='Grüße'/>").replace('version="1.0"', 'version="1.0" encoding="UTF-16"');
    const bytes = Buffer.from(`\ufeff${text}`, "utf16le");
    const api = await startApi((_, response) => sendXml(response, bytes, 200, "text/xml; charset=utf-16"));
    expect((await readAll(api.url)).map(({ value }) => value)).toEqual([{ id: "Grüße" }]);
  });

  test("may be answered with records that speak of faults", async () => {
    const xml = envelope("<Order id='1'><Amount>Fault</Amount></Order><Order id='2'><Fault>no</Fault></Order>");
    const api = await startApi((_, response) => sendXml(response, xml));
    expect(await readAll(api.url)).toHaveLength(2);
  });

  test("with an action that no header can have is refused", async () => {
    const error = await failure(readAll("http://127.0.0.1:1", { stream: { action: 'a"\r\nX: 1' } }));
    expect(error.message).toBe("the SOAP action cannot be sent");
  });
});

describe("a fault", () => {
  const fault11 = envelope(
    `<S:Fault><faultcode>S:Client</faultcode><faultstring>no such customer ${TOKEN}</faultstring>` +
      "<detail><Order id='9'/></detail></S:Fault>",
  );
  const fault12 = envelope(
    "<S:Fault><S:Code><S:Value>S:Sender</S:Value><S:Subcode><S:Value>m:Quota</S:Value></S:Subcode></S:Code>" +
      `<S:Reason><S:Text xml:lang="en">too much</S:Text><S:Text xml:lang="de">zu viel</S:Text></S:Reason></S:Fault>`,
    NAMESPACE_12,
  );

  test.each([500, 200, 400])(
    "with HTTP %i is shown with its code and text, and is not asked for again",
    async (status) => {
      const api = await startApi((_, response) => sendXml(response, fault11, status));
      const error = await failure(readAll(api.url));
      expect(error.message).toBe(`${api.url}/ws/orders answers with a SOAP fault`);
      expect(error).toMatchObject({ code: "S:Client", found: "S:Client: no such customer <SHOP_TOKEN>", exitCode: 1 });
      expect(api.requests).toHaveLength(1);
    },
  );

  test("of SOAP 1.2 has a subcode and texts in several languages", async () => {
    const api = await startApi((_, response) => sendXml(response, fault12, 500, "application/soap+xml"));
    const error = await failure(readAll(api.url, { stream: { version: "1.2" } }));
    expect(error.found).toBe("S:Sender, m:Quota: too much");
  });

  test("in UTF-16 is seen too", async () => {
    const bytes = Buffer.from(
      `\ufeff${fault11.replace('version="1.0"', 'version="1.0" encoding="UTF-16"')}`,
      "utf16le",
    );
    const api = await startApi((_, response) => sendXml(response, bytes));
    expect((await failure(readAll(api.url))).code).toBe("S:Client");
  });
});

describe("fault 66: a SOAP server that is busy or broken", () => {
  test.each([
    ["500 without a fault", (response: ServerResponse) => sendXml(response, "<oops/>", 500)],
    ["500 with a web page", (response: ServerResponse) => sendXml(response, "<html/>", 500, "text/html")],
    ["503 with a fault", (response: ServerResponse) => sendXml(response, envelope("<S:Fault/>"), 503)],
    ["429", (response: ServerResponse) => sendJson(response, {}, 429, { "retry-after": "2" })],
    ["half an answer", (response: ServerResponse) => sendXml(response, orders.slice(0, -30))],
    ["a reset", (response: ServerResponse) => void response.socket!.resetAndDestroy()],
  ])("is asked again after %s", async (_, first) => {
    const api = await startApi((__, response, n) => (n === 1 ? first(response) : sendXml(response, orders)));
    expect(await readAll(api.url)).toHaveLength(2);
    expect(api.requests).toHaveLength(2);
  });

  test("that always cuts its answer is given up, at whatever byte it cuts", async () => {
    for (let length = 100; length < orders.length; length += 7) {
      const api = await startApi((_, response) => sendXml(response, orders.slice(0, length)));
      expect((await failure(readAll(api.url))).found).toBe("the XML is cut short");
    }
  });
});

describe("fault 69: an answer that is not SOAP", () => {
  test.each([
    ["a web page", "<html></html>", "text/html", "does not answer with XML"],
    ["JSON", "{}", "application/json", "does not answer with XML"],
    ["parts", "--x\r\n", 'multipart/related; type="application/xop+xml"', "does not answer with XML"],
    ["other XML", "<html></html>", "text/xml", "does not answer with SOAP"],
  ])("such as %s is refused at once", async (_, body, type, message) => {
    const api = await startApi((__, response) => sendXml(response, body, 200, type));
    expect((await failure(readAll(api.url))).message).toContain(message);
    expect(api.requests).toHaveLength(1);
  });

  test("such as 401 names the variable", async () => {
    const api = await startApi((_, response) => sendXml(response, TOKEN, 401));
    const error = await failure(readAll(api.url));
    expect(error.message).toContain("does not accept the token in SHOP_TOKEN");
  });

  test("such as a redirect to another address is not followed", async () => {
    const other = await startApi((_, response) => sendXml(response, orders));
    for (const location of [other.url, "/elsewhere"]) {
      const api = await startApi((_, response) => response.writeHead(302, { location }).end());
      expect((await failure(readAll(api.url))).message).toContain("redirects a POST");
    }
    expect(other.requests).toEqual([]);
  });

  test("such as 307 to the same server is followed with the body", async () => {
    const bodies: string[] = [];
    const api = await startApi(async (request, response, n) => {
      bodies.push(await bodyOf(request));
      if (n === 1) response.writeHead(307, { location: "/new" }).end();
      else sendXml(response, orders);
    });
    expect(await readAll(api.url)).toHaveLength(2);
    expect(bodies[1]).toBe(bodies[0]);
  });
});

describe("fault 61: a hostile answer", () => {
  test.each([
    ["an external entity", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>', "<Order id='1'>&x;</Order>"],
    ["entities in entities", '<!DOCTYPE a [<!ENTITY x "lol"><!ENTITY y "&x;&x;">]>', "<Order id='1'>&y;</Order>"],
    ["a DOCTYPE in a fault", "<!DOCTYPE a>", "<S:Fault><faultcode>S:Client</faultcode></S:Fault>"],
  ])("such as %s is refused", async (_, doctype, body) => {
    const xml = envelope(body).replace("?>", `?>${doctype}`);
    const api = await startApi((__, response) => sendXml(response, xml));
    const error = await failure(readAll(api.url));
    expect(error.message).toContain(`the answer of ${api.url}/ws/orders cannot be read: it has a DOCTYPE`);
  });

  test("such as an end of many comments costs no time", async () => {
    const xml = `${orders}${"<!---->".repeat(500)}x`;
    const api = await startApi((_, response) => sendXml(response, xml));
    expect((await failure(readAll(api.url))).found).toBe("the XML is cut short");
  });
});
