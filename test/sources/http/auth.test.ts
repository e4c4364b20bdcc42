import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { type AuthDeclaration, Secret } from "../../../src/model/declarations.ts";
import { type Handler, sendJson, startApi, type TestApi } from "../../support/ingest-api.ts";
import { item, TOKEN } from "../../support/ingest-declaration.ts";
import { bodyOf, failure, readAll, testClock } from "../../support/reading.ts";

const SECRET = "cl1ent s+cret/é";
const KEY = "k3y-value";

/** Notes what each request carries in `authorization` and answers with one record. */
function noting(seen: (string | undefined)[]): Handler {
  return (request, response) => {
    seen.push(request.headers.authorization);
    sendJson(response, { data: [item(1)] });
  };
}

describe("a token", () => {
  test("is sent with every request, and so are the declared headers", async () => {
    const seen: unknown[] = [];
    const api = await startApi((request, response, n) => {
      seen.push([request.headers.authorization, request.headers["x-version"]]);
      sendJson(response, { data: [], next_cursor: n === 1 ? "c" : null });
    });
    await readAll(api.url, { rest: { headers: { "X-Version": "3" } } });
    expect(seen).toEqual([
      [`Bearer ${TOKEN}`, "3"],
      [`Bearer ${TOKEN}`, "3"],
    ]);
  });

  test("that no header can have is refused without being shown", async () => {
    for (const value of [`${TOKEN}\nX-Other: 1`, `${TOKEN}’`]) {
      const auth = { bearer: new Secret("SHOP_TOKEN", value) };
      const error = await failure(readAll("http://127.0.0.1:1", { rest: { auth } }));
      expect(error.message).toBe("the environment variable SHOP_TOKEN cannot be sent to the API");
    }
  });

  test("with a line end after it is sent without, and not shown either", async () => {
    const auth = { bearer: new Secret("SHOP_TOKEN", `${TOKEN}\n`) };
    const api = await startApi((request, response) => sendJson(response, { got: request.headers.authorization }, 403));
    const error = await failure(readAll(api.url, { rest: { auth } }));
    expect(error.found).toContain("Bearer <SHOP_TOKEN>");
  });

  test("is not shown where the answer holds it just before the place at which it is cut", async () => {
    for (let length = 0; length < 130; length++) {
      const secret = "abcdefghijklmnopqrstuvwxyz";
      const api = await startApi((_, response) => sendJson(response, `${" x".repeat(length / 2)}${secret}`, 404));
      const error = await failure(readAll(api.url, { rest: { auth: { bearer: new Secret("T", secret) } } }), ["abc"]);
      expect(error.code).toBe("404");
    }
  });

  const byLink = { nextLink: "next", maxPages: 3 };
  test.each([
    ["the cursor", { data: [], next_cursor: `${"c".repeat(50)}${TOKEN}` }, {}],
    ["a link that leads back", { data: [], next: `/${TOKEN}` }, { paging: byLink }],
    ["a link to another host", { data: [], next: `http://${TOKEN}.example.com/` }, { paging: byLink }],
    ["keys", { [TOKEN]: 1 }, {}],
    ["broken JSON", `{"data": [}${TOKEN}`, {}],
  ])("is not shown where an error speaks of %s", async (_, body, rest) => {
    const api = await startApi((__, response) => sendJson(response, body));
    const waits: string[] = [];
    const onWait = (_seconds: number, reason: string) => void waits.push(reason);
    await failure(readAll(api.url, { rest, options: { onWait } }), [TOKEN, TOKEN.slice(0, 8)]);
    expect(waits.join()).not.toContain(TOKEN.slice(0, 8));
  });
});

describe("a header of the API's own", () => {
  const auth: AuthDeclaration = { header: { name: "X-Api-Key", value: new Secret("SHOP_KEY", KEY) } };

  test("carries the key", async () => {
    const seen: unknown[] = [];
    const api = await startApi((request, response) => {
      seen.push(request.headers["x-api-key"], request.headers.authorization);
      sendJson(response, { data: [] });
    });
    await readAll(api.url, { rest: { auth } });
    expect(seen).toEqual([KEY, undefined]);
  });

  test("with a wrong key is named", async () => {
    const api = await startApi((_, response) => sendJson(response, { wrong: KEY }, 401));
    const error = await failure(readAll(api.url, { rest: { auth } }), [KEY]);
    expect(error.message).toContain("does not accept the X-Api-Key in SHOP_KEY");
    expect(error.found).toContain("<SHOP_KEY>");
  });
});

describe("a user and password", () => {
  test("are sent as UTF-8", async () => {
    const seen: string[] = [];
    const api = await startApi(noting(seen));
    const auth = { basic: { user: "ann", password: new Secret("SHOP_PASSWORD", SECRET) } };
    await readAll(api.url, { rest: { auth } });
    expect(Buffer.from(seen[0]!.replace("Basic ", ""), "base64").toString()).toBe(`ann:${SECRET}`);
  });

  test("are not shown, however the answer repeats them", async () => {
    const pair = Buffer.from(`ann:${SECRET}`).toString("base64");
    const forms = [SECRET, pair, encodeURIComponent(SECRET), Buffer.from(SECRET).toString("base64")];
    for (const form of forms) {
      const api = await startApi((_, response) => sendJson(response, { form }, 401));
      const auth = { basic: { user: "ann", password: new Secret("SHOP_PASSWORD", SECRET) } };
      const error = await failure(readAll(api.url, { rest: { auth } }), forms);
      expect(error.found).toContain("<SHOP_PASSWORD>");
    }
  });
});

interface TokenRequest {
  readonly authorization: string | undefined;
  readonly form: URLSearchParams;
}

async function startTokens(answer: (request: TokenRequest, number: number) => [object, number?]) {
  const asked: TokenRequest[] = [];
  const server = await startApi(async (request: IncomingMessage, response, number) => {
    const { authorization } = request.headers;
    asked.push({ authorization, form: new URLSearchParams(await bodyOf(request)) });
    const [body, status] = answer(asked.at(-1)!, number);
    sendJson(response, body, status);
  });
  return { server, asked };
}

const granted = (n: number, others = {}): [object] => [{ access_token: `t0ken-${n}`, token_type: "bearer", ...others }];

describe("OAuth2 client credentials", () => {
  function oauth(server: TestApi, scope?: string): AuthDeclaration {
    const clientSecret = new Secret("SHOP_SECRET", SECRET);
    return { oauth2: { tokenUrl: `${server.url}/token`, clientId: "id:1", clientSecret, ...(scope ? { scope } : {}) } };
  }

  const feed: Handler = (_, response, n) =>
    sendJson(response, { data: [item(n)], next_cursor: n < 4 ? `c${n}` : null });

  test("are changed for a token once, when the first page is asked for", async () => {
    const { server, asked } = await startTokens((_, n) => granted(n, { expires_in: 3600 }));
    const seen: (string | undefined)[] = [];
    const api = await startApi((request, response, n) => {
      seen.push(request.headers.authorization);
      feed(request, response, n);
    });
    await readAll(api.url, { rest: { auth: oauth(server, "read all") } });
    expect(new Set(seen)).toEqual(new Set(["Bearer t0ken-1"]));
    expect(seen).toHaveLength(4);
    expect(asked).toHaveLength(1);
    expect(Object.fromEntries(asked[0]!.form)).toEqual({ grant_type: "client_credentials", scope: "read all" });
    const pair = Buffer.from(asked[0]!.authorization!.replace("Basic ", ""), "base64").toString();
    expect(pair).toBe("id%3A1:cl1ent+s%2Bcret%2F%C3%A9");
  });

  test("are sent in the body to a server that wants them there", async () => {
    const { server, asked } = await startTokens(({ form }, n) =>
      form.get("client_secret") === SECRET ? granted(n, { expires_in: 0 }) : [{ error: "invalid_client" }, 401],
    );
    const api = await startApi(feed);
    await readAll(api.url, { rest: { auth: oauth(server) } });
    // A token for each of the four pages, and the first try.
    expect(asked).toHaveLength(5);
    expect(asked[1]!.form.get("client_id")).toBe("id:1");
    expect(asked[1]!.authorization).toBeUndefined();
  });

  test("get a new token shortly before the old one ends", async () => {
    const { server, asked } = await startTokens((_, n) => granted(n, { expires_in: 100 }));
    const clock = testClock();
    const seen: (string | undefined)[] = [];
    const api = await startApi((request, response, n) => {
      seen.push(request.headers.authorization);
      sendJson(response, { data: [item(n)], next_cursor: n < 4 ? `c${n}` : null }, 200, { "retry-after": "30" });
    });
    await readAll(api.url, { rest: { auth: oauth(server) }, options: clock });
    expect(seen.map((one) => one!.slice(-1))).toEqual(["1", "1", "1", "2"]);
    expect(asked).toHaveLength(2);
  });

  test("fault 70: get a new token once when the API no longer accepts the old one", async () => {
    const { server, asked } = await startTokens((_, n) => granted(n));
    const valid = ["t0ken-1", "t0ken-1", "t0ken-2", "t0ken-2", "t0ken-2"];
    const api = await startApi((request, response, n) => {
      if (request.headers.authorization !== `Bearer ${valid[n - 1]}`) return sendJson(response, {}, 401);
      const cursor = Number(new URL(request.url!, "http://x").searchParams.get("cursor") ?? 0);
      return sendJson(response, { data: [item(cursor)], next_cursor: cursor < 3 ? String(cursor + 1) : null });
    });
    const records = await readAll(api.url, { rest: { auth: oauth(server) } });
    expect(records.map(({ value }) => (value as { amount: number }).amount)).toEqual([0, 1, 2, 3]);
    expect(asked).toHaveLength(2);
  });

  test("fault 70: fail when the API does not accept the new token either, and show neither", async () => {
    const { server, asked } = await startTokens((_, n) => granted(n));
    const api = await startApi((request, response) => sendJson(response, { got: request.headers.authorization }, 401));
    const error = await failure(readAll(api.url, { rest: { auth: oauth(server) } }), [SECRET, "t0ken"]);
    expect(error.message).toContain("does not accept the token that rest.auth.oauth2.tokenUrl gave");
    expect(error.found).toContain("Bearer <access token>");
    expect(asked).toHaveLength(2);
    expect(api.requests).toHaveLength(2);
  });

  test("fault 70: that were changed are named, and not shown where the token server repeats them", async () => {
    const { server } = await startTokens(({ authorization, form }) => [
      { error: "invalid_client", error_description: `${authorization} ${form} ${SECRET}`, other: "page" },
      401,
    ]);
    const api = await startApi((_, response) => sendJson(response, { data: [] }));
    const secrets = [SECRET, "cl1ent", Buffer.from("id%3A1:cl1ent").toString("base64").slice(0, 12)];
    const error = await failure(readAll(api.url, { rest: { auth: oauth(server) } }), secrets);
    expect(error.message).toBe(`${server.url}/token gives no token`);
    expect(error.found).toBe(
      "HTTP 401, invalid_client: Basic <SHOP_SECRET> grant_type=client_credentials <SHOP_SECRET>",
    );
    expect(error.hint).toContain("SHOP_SECRET");
    expect(api.requests).toEqual([]);
  });

  test.each([[{ access_token: "t0ken", token_type: "mac" }], [{ token: "t0ken" }], [{}]])(
    "do not take %j for a token",
    async (body) => {
      const { server } = await startTokens(() => [body]);
      const error = await failure(readAll("http://127.0.0.1:1", { rest: { auth: oauth(server) } }), ["t0ken"]);
      expect(error.found).toBe("HTTP 200");
    },
  );

  test("are not sent to where the token server redirects", async () => {
    const other = await startApi((_, response) => sendJson(response, { access_token: "x" }));
    const server = await startApi((_, response) => response.writeHead(307, { location: other.url }).end());
    const error = await failure(readAll("http://127.0.0.1:1", { rest: { auth: oauth(server) } }), [SECRET]);
    expect(error.message).toContain("redirects a POST");
    expect(other.requests).toEqual([]);
  });

  test("are asked for again when the token server is busy", async () => {
    const { server, asked } = await startTokens((_, n) => (n < 3 ? [{}, 503] : granted(n)));
    const seen: (string | undefined)[] = [];
    await readAll((await startApi(noting(seen))).url, { rest: { auth: oauth(server) } });
    expect(seen).toEqual(["Bearer t0ken-3"]);
    expect(asked).toHaveLength(3);
  });
});

describe("an OAuth2 refresh token", () => {
  const REFRESH = "r3fresh/first+one";
  const day = 86_400;

  function oauth(server: TestApi): AuthDeclaration {
    const [clientSecret, refreshToken] = [new Secret("SHOP_SECRET", SECRET), new Secret("SHOP_REFRESH", REFRESH)];
    return { oauth2: { tokenUrl: `${server.url}/token`, clientId: "id", clientSecret, refreshToken } };
  }

  /** An API that takes one access token only, which `valid` names at each request. */
  const guarded =
    (valid: (number: number) => string): Handler =>
    (request, response, n) => {
      const isValid = request.headers.authorization === `Bearer ${valid(n)}`;
      sendJson(response, isValid ? { data: [item(n)] } : {}, isValid ? 200 : 401);
    };

  test("is changed for an access token, which serves till its end", async () => {
    const { server, asked } = await startTokens((_, n) => granted(n, { expires_in: 3600 }));
    const seen: (string | undefined)[] = [];
    const api = await startApi(noting(seen));
    const rest = { auth: oauth(server) };
    const clock = testClock();
    await readAll(api.url, { rest, options: clock });
    await readAll(api.url, { rest, options: clock });
    await clock.sleep(3600);
    await readAll(api.url, { rest, options: clock });
    expect(seen).toEqual(["Bearer t0ken-1", "Bearer t0ken-1", "Bearer t0ken-2"]);
    expect(asked.map(({ form }) => Object.fromEntries(form))).toEqual([
      { grant_type: "refresh_token", refresh_token: REFRESH },
      { grant_type: "refresh_token", refresh_token: REFRESH },
    ]);
  });

  test("goes in the body with the client, where the server wants both there", async () => {
    const { server, asked } = await startTokens(({ form }, n) =>
      form.get("client_secret") === SECRET ? granted(n) : [{ error: "invalid_request" }, 400],
    );
    await readAll((await startApi(noting([]))).url, { rest: { auth: oauth(server) } });
    expect(Object.fromEntries(asked[1]!.form)).toEqual({
      grant_type: "refresh_token",
      refresh_token: REFRESH,
      client_id: "id",
      client_secret: SECRET,
    });
  });

  test("is changed once for streams that are read at the same time", async () => {
    const { server, asked } = await startTokens((_, n) => granted(n, { expires_in: 3600 }));
    const api = await startApi(guarded(() => "t0ken-1"));
    const rest = { auth: oauth(server) };
    const read = await Promise.all(Array.from({ length: 5 }, () => readAll(api.url, { rest })));
    expect(read.flat()).toHaveLength(5);
    expect(asked).toHaveLength(1);
  });

  test("fault 70: is changed once more after a 401, and once for all that were refused together", async () => {
    const { server, asked } = await startTokens((_, n) => granted(n, { expires_in: 3600 }));
    let refused = 0;
    const waiting: (() => void)[] = [];
    const api = await startApi((request, response) => {
      if (request.headers.authorization === "Bearer t0ken-2") return sendJson(response, { data: [item(1)] });
      // all three are refused, none before the last has asked
      waiting.push(() => sendJson(response, {}, 401));
      if (++refused === 3) for (const refuse of waiting) refuse();
    });
    const rest = { auth: oauth(server) };
    const read = await Promise.all(Array.from({ length: 3 }, () => readAll(api.url, { rest })));
    expect(read.flat()).toHaveLength(3);
    expect(asked).toHaveLength(2);
    const never = await startApi((_, response) => sendJson(response, {}, 401));
    const error = await failure(readAll(never.url, { rest }), [SECRET, REFRESH, "t0ken"]);
    expect(error.message).toContain("does not accept the token that rest.auth.oauth2.tokenUrl gave");
    expect(error.hint).toContain("SHOP_REFRESH");
    expect(asked).toHaveLength(3);
  });

  test("that the server replaces at each use serves once: the run goes on with the new one, and says so once", async () => {
    const used: string[] = [];
    const { server } = await startTokens(({ form }, n) => {
      const sent = form.get("refresh_token")!;
      if (used.includes(sent) || sent !== (used.length === 0 ? REFRESH : `r3fresh-${n - 1}`))
        return [{ error: "invalid_grant" }, 400];
      used.push(sent);
      return granted(n, { expires_in: 3600, refresh_token: `r3fresh-${n}` });
    });
    const api = await startApi(guarded((n) => `t0ken-${n}`));
    const rest = { auth: oauth(server) };
    const warnings: string[] = [];
    const clock = testClock();
    const options = { ...clock, onWarning: (text: string) => void warnings.push(text) };
    for (let stream = 1; stream <= 3; stream++) {
      await readAll(api.url, { rest, options });
      await clock.sleep(3600);
    }
    expect(used).toEqual([REFRESH, "r3fresh-1", "r3fresh-2"]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("replaced the refresh token in SHOP_REFRESH");
    expect(warnings[0]).not.toContain("r3fresh");
    // the next run knows only what stands in the environment
    const error = await failure(readAll(api.url, { rest: { auth: oauth(server) }, options: clock }), [REFRESH, SECRET]);
    expect(error.found).toBe("HTTP 400, invalid_grant");
    expect(error.hint).toBe(
      "the refresh token has ended, was taken back or replaced by a newer one: put a new one into SHOP_REFRESH",
    );
  });

  test("that the server replaced is not shown where an answer repeats it", async () => {
    const { server } = await startTokens(() => granted(1, { refresh_token: "r3placed" }));
    const api = await startApi((_, response) => sendJson(response, { got: "r3placed" }, 404));
    const error = await failure(readAll(api.url, { rest: { auth: oauth(server) } }), ["r3placed"]);
    expect(error.found).toContain("<refresh token>");
  });

  test.each([
    [13 * day + 5, ["the refresh token in SHOP_REFRESH ends in 13 days: put a new one there before"]],
    [60 * day, []],
  ])(
    "that comes back unchanged and has %i seconds to live is told of when these are few",
    async (seconds, expected) => {
      const others = { refresh_token: REFRESH, refresh_token_expires_in: seconds };
      const { server } = await startTokens((_, n) => granted(n, others));
      const warnings: string[] = [];
      const options = { onWarning: (text: string) => void warnings.push(text) };
      await readAll((await startApi(noting([]))).url, { rest: { auth: oauth(server) }, options });
      expect(warnings).toEqual(expected);
    },
  );

  test("that is refused is named and not shown", async () => {
    const { server } = await startTokens(({ form }) => [
      { error: "invalid_grant", error_description: `Bad Request ${form.get("refresh_token")}` },
      400,
    ]);
    const error = await failure(readAll("http://127.0.0.1:1", { rest: { auth: oauth(server) } }), [REFRESH, SECRET]);
    expect(error.found).toBe("HTTP 400, invalid_grant: Bad Request <SHOP_REFRESH>");
  });

  test.each([
    ["in the header", "authorization"],
    ["in the body", "client_id"],
  ])("that is refused is told of where the client has to be %s, too", async (_, where) => {
    const { server } = await startTokens(({ authorization, form }) => {
      const isKnown = where === "authorization" ? authorization !== undefined : form.has(where);
      return [{ error: isKnown ? "invalid_grant" : "invalid_client" }, isKnown ? 400 : 401];
    });
    const error = await failure(readAll("http://127.0.0.1:1", { rest: { auth: oauth(server) } }));
    expect(error.found).toBe("HTTP 400, invalid_grant");
    expect(error.hint).toContain("put a new one into SHOP_REFRESH");
  });
});
