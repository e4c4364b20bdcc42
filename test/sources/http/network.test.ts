import type { LookupAddress } from "node:dns";
import { isIP } from "node:net";
import { describe, expect, test } from "vitest";
import { UserError } from "../../../src/model/errors.ts";
import {
  checkUrl,
  guardedDispatcher,
  guardedRequest,
  isPublicAddress,
  type NetworkPolicy,
} from "../../../src/sources/http/network.ts";
import { startApi } from "../../support/ingest-api.ts";

const addresses = (...list: readonly string[]): readonly LookupAddress[] =>
  list.map((address) => ({ address, family: isIP(address) }));

/** Asks as a source would after it was led to `url`; the allow-list lets every name through. */
async function lead(url: string, resolved: readonly string[] = ["93.184.215.14"]): Promise<unknown> {
  const target = new URL(url);
  const asked: string[] = [];
  const policy: NetworkPolicy = {
    trusted: [new URL("https://api.example.com")],
    allowHosts: ["*.com", "*.net", "*.io", "*.test", "*.internal", "*.localhost"],
    lookup: async (name) => {
      asked.push(name);
      return addresses(...resolved);
    },
  };
  const dispatcher = guardedDispatcher(policy);
  try {
    await guardedRequest(target, { dispatcher, policy, timeoutSeconds: 5 });
    return expect.fail(`${url} was asked`);
  } catch (error) {
    return error;
  } finally {
    await dispatcher.destroy();
  }
}

const literals = [
  "http://127.0.0.1/",
  "http://127.1/",
  "http://127.255.255.254/",
  "http://0.0.0.0/",
  "http://0/",
  "http://0x7f000001/",
  "http://0x7f.0x0.0x0.0x1/",
  "http://0177.0.0.1/",
  "http://017700000001/",
  "http://2130706433/",
  "http://10.0.0.1/",
  "http://10.255.255.255/",
  "http://100.64.0.1/",
  "http://100.127.255.255/",
  "http://169.254.169.254/latest/meta-data/",
  "http://0xa9fea9fe/",
  "http://2852039166/",
  "http://0251.0376.0251.0376/",
  "http://172.16.0.1/",
  "http://172.31.255.255/",
  "http://192.168.0.1/",
  "http://192.168.65535/",
  "http://192.0.0.1/",
  "http://192.0.2.1/",
  "http://198.18.0.1/",
  "http://198.51.100.1/",
  "http://203.0.113.1/",
  "http://224.0.0.1/",
  "http://240.0.0.1/",
  "http://255.255.255.255/",
  "http://168.63.129.16/",
  "http://[::]/",
  "http://[::1]/",
  "http://[0:0:0:0:0:0:0:1]/",
  "http://[::ffff:127.0.0.1]/",
  "http://[::ffff:7f00:1]/",
  "http://[::ffff:169.254.169.254]/",
  "http://[::127.0.0.1]/",
  "http://[64:ff9b::7f00:1]/",
  "http://[64:ff9b:1::a00:1]/",
  "http://[2002:7f00:1::]/",
  "http://[2001::1]/",
  "http://[2001:db8::1]/",
  "http://[3fff::1]/",
  "http://[fc00::1]/",
  "http://[fd00:ec2::254]/",
  "http://[fe80::1]/",
  "http://[fec0::1]/",
  "http://[ff02::1]/",
  "http://[100::1]/",
  "http://①②⑦.⓪.⓪.①/",
  "http://127。0。0。1/",
];

describe("fault 71: a source that leads into the private network", () => {
  test.each(literals)("the address %s is refused", async (url) => {
    const { hostname } = new URL(url);
    const literal = hostname.replace(/^\[(.*)\]$/, "$1");
    // Two ways in: a host nobody allowed, and a name that has this address.
    expect(() => checkUrl(new URL(url), { trusted: [], allowHosts: ["*.com"] })).toThrow(UserError);
    const error = await lead("https://files.example.com/x", [literal]);
    expect(error).toMatchObject({ name: "UserError", expected: "a public address", found: literal });
  });

  const schemes = ["file:///etc/passwd", "gopher://example.com:70/_x", "ftp://files.example.com/", "data:text/plain,x"];
  test.each([...schemes, "javascript:alert(1)", "unix:/var/run/docker.sock", "ws://files.example.com/"])(
    "the scheme of %s is refused",
    async (url) => {
      expect(await lead(url)).toMatchObject({ name: "UserError", expected: "http or https" });
    },
  );

  test.each([
    "http://127.0.0.1.nip.io/",
    "http://localtest.test/",
    "http://metadata.google.internal/",
    "http://a.localhost/",
  ])("the name %s is refused for its address", async (url) => {
    expect(await lead(url, ["127.0.0.1"])).toMatchObject({ expected: "a public address", found: "127.0.0.1" });
  });

  test("one private address among public ones is enough", async () => {
    const error = await lead("https://files.example.com/", ["93.184.215.14", "2606:2800:21f::1", "10.0.0.8"]);
    expect(error).toMatchObject({ found: "10.0.0.8" });
  });

  test("a user name in the URL is refused and not shown", async () => {
    const error = (await lead("https://user:hidden@files.example.com/")) as UserError;
    expect(error.expected).toBe("no user name in the URL");
    expect(JSON.stringify({ ...error, message: error.message })).not.toContain("hidden");
  });

  test("a host that is not in allowHosts is refused before it is looked up", () => {
    const policy = { trusted: [new URL("https://api.example.com")], allowHosts: ["cdn.example.com"] };
    for (const host of ["evil.example", "example.com", "xcdn.example.com", "cdn.example.com.evil.example"]) {
      expect(() => checkUrl(new URL(`https://${host}/`), policy)).toThrow(/is not allowed/);
    }
    checkUrl(new URL("https://cdn.example.com/a"), policy);
  });

  test("DNS that changes its mind finds no second question: the socket goes to the address that was checked", async () => {
    const api = await startApi((_, response) => response.end("arrived"));
    const { port } = new URL(api.url);
    const answers = [addresses("127.0.0.1"), addresses("127.0.0.2")];
    let lookups = 0;
    const url = new URL(`http://app.test:${port}/`);
    const policy: NetworkPolicy = { trusted: [url], lookup: async () => answers[lookups++]! };
    const dispatcher = guardedDispatcher(policy);
    const answer = await guardedRequest(url, { dispatcher, policy, timeoutSeconds: 5 });
    expect(await answer.body.text()).toBe("arrived");
    expect(lookups).toBe(1);
    await dispatcher.destroy();
  });

  test("a name that turns private is refused at its next connection", async () => {
    const api = await startApi((_, response) => response.end("inside"));
    const error = await lead(`http://rebinding.test:${new URL(api.url).port}/`, ["127.0.0.1"]);
    expect(error).toMatchObject({ expected: "a public address", found: "127.0.0.1" });
    expect(api.requests).toEqual([]);
  });
});

test("public addresses are public", () => {
  const list = [
    "8.8.8.8",
    "1.1.1.1",
    "172.32.0.1",
    "100.128.0.1",
    "192.169.0.1",
    "2606:4700:4700::1111",
    "2a00:1450::1",
  ];
  expect(list.filter((address) => !isPublicAddress(address))).toEqual([]);
  expect(isPublicAddress("no address")).toBe(false);
});

describe("what the author of the declaration wrote", () => {
  test("may be private, and only its own scheme, host and port are trusted", () => {
    const policy = { trusted: [new URL("http://localhost:8080/base")] };
    checkUrl(new URL("http://localhost:8080/other"), policy);
    for (const other of ["http://localhost:8081/", "https://localhost:8080/", "http://127.0.0.1:8080/"]) {
      expect(() => checkUrl(new URL(other), policy)).toThrow(UserError);
    }
  });

  test("may be private in allowHosts too, as an address that everybody sees to be one", () => {
    const policy = { trusted: [], allowHosts: ["10.0.0.5:9000", "localhost", "[::1]"] };
    checkUrl(new URL("http://10.0.0.5:9000/"), policy);
    checkUrl(new URL("http://localhost:1234/"), policy);
    checkUrl(new URL("http://[::1]/"), policy);
    expect(() => checkUrl(new URL("http://10.0.0.5/"), policy)).toThrow(UserError);
  });

  test("the https of a trusted http host is trusted, its http is not when https was written", () => {
    checkUrl(new URL("https://shop.example/"), { trusted: [new URL("http://shop.example")] });
    expect(() => checkUrl(new URL("http://shop.example/"), { trusted: [new URL("https://shop.example")] })).toThrow();
  });
});

describe("redirects", () => {
  async function ask(url: string, allowHosts?: readonly string[]) {
    const policy: NetworkPolicy = { trusted: [new URL(url)], ...(allowHosts ? { allowHosts } : {}) };
    const dispatcher = guardedDispatcher(policy);
    try {
      const answer = await guardedRequest(new URL(url), {
        dispatcher,
        policy,
        headers: { "x-plain": "1" },
        credentials: { authorization: "Bearer secret" },
        timeoutSeconds: 5,
      });
      return { status: answer.statusCode, body: await answer.body.text() };
    } finally {
      await dispatcher.destroy();
    }
  }
  const echo = () =>
    startApi(({ headers }, response) => response.end(`${headers.authorization} ${headers["x-plain"]}`));

  test("within the origin keep the credentials", async () => {
    const api = await startApi((request, response) => {
      if (request.url === "/moved") return response.end(String(request.headers.authorization));
      response.writeHead(302, { location: "/moved" }).end();
    });
    expect((await ask(`${api.url}/`)).body).toBe("Bearer secret");
  });

  test("to an allowed host go without the credentials, and back again without them too", async () => {
    const other = await echo();
    const api = await startApi((_, response) => response.writeHead(307, { location: `${other.url}/` }).end());
    const allowed = new URL(other.url).host;
    expect((await ask(`${api.url}/`, [allowed])).body).toBe("undefined 1");
    const bouncer = await startApi(({ headers }, response) => {
      response.writeHead(302, { location: `http://${headers["x-back"]}/back` }).end();
    });
    const start = await startApi((request, response) => {
      if (request.url === "/back") return response.end(String(request.headers.authorization));
      response.writeHead(302, { location: bouncer.url }).end();
    });
    const policy = { trusted: [new URL(start.url)], allowHosts: [new URL(bouncer.url).host] };
    const dispatcher = guardedDispatcher(policy);
    const answer = await guardedRequest(new URL(start.url), {
      dispatcher,
      policy,
      headers: { "x-back": new URL(start.url).host },
      credentials: { authorization: "Bearer secret" },
      timeoutSeconds: 5,
    });
    expect(await answer.body.text()).toBe("undefined");
    await dispatcher.destroy();
  });

  test("fault 69: to a private address, file: and the like are refused, with nobody asked", async () => {
    const inside = await echo();
    for (const location of [
      inside.url,
      "file:///etc/passwd",
      "http://169.254.169.254/",
      "//localhost:1/",
      "gopher://x/",
    ]) {
      const api = await startApi((_, response) => response.writeHead(302, { location }).end());
      await expect(ask(api.url)).rejects.toThrow(UserError);
    }
    expect(inside.requests).toEqual([]);
  });

  test("without end are given up", async () => {
    const api = await startApi((_, response, n) => response.writeHead(302, { location: `/${n}` }).end());
    await expect(ask(api.url)).rejects.toThrow("redirects without end");
    expect(api.requests).toHaveLength(6);
  });

  test("with a page that never ends are followed all the same", async () => {
    const api = await startApi((request, response) => {
      if (request.url === "/there") return response.end("arrived");
      response.writeHead(302, { location: "/there" });
      const write = () => response.write(Buffer.alloc(64 * 1024));
      response.on("drain", write);
      write();
      write();
    });
    expect((await ask(api.url)).body).toBe("arrived");
  });
});
