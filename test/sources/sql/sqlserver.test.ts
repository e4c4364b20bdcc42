import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { importOptional } from "../../../src/config/optional-package.ts";
import { Secret } from "../../../src/model/declarations.ts";
import { readSqlServer } from "../../../src/sources/sql/sqlserver.ts";
import { exactSelect, textOf } from "../../../src/sources/sql/sqlserver-types.ts";
import { parseSqlUrl } from "../../../src/sources/sql/url.ts";
import { dialectId, dialectSelect } from "../../../src/sql/dialects.ts";

const servers = resolve(import.meta.dirname, "../../servers");
const noDriver = !existsSync(`${servers}/node_modules/mssql`);

// There is no SQL Server to test with: these are the parts that need none.
const ours = (text: string) => dialectSelect("sqlserver", text, "query:");

describe("the statement for SQL Server", () => {
  test("lets the server write what the driver would round, and names every column as before", () => {
    const described = [
      { name: "id", type: "bigint" },
      { name: "amount", type: "decimal(38,10)" },
      { name: "at", type: "datetimeoffset(7)" },
      { name: "born]", type: "date" },
      { name: "note", type: "nvarchar(max)" },
      { name: "shape", type: null },
    ];
    const { text, columns } = exactSelect(
      { text: ours("select * from o -- all"), orderBy: dialectId("sqlserver", "id") },
      described,
    );
    expect(text.toString()).toBe(
      "select convert(varchar(20), records.[id]) as [id], convert(varchar(60), records.[amount]) as [amount], " +
        "convert(varchar(40), records.[at], 126) as [at], convert(char(10), records.[born]]], 23) as [born]]], " +
        "records.[note], convert(nvarchar(max), records.[shape]) as [shape] " +
        "from (select * from o\n) as records order by records.[id]",
    );
    expect(columns).toEqual([
      { name: "id", kind: "integer" },
      { name: "amount", kind: "decimal" },
      { name: "at", kind: "timestamp" },
      { name: "born]", kind: "date" },
      { name: "note", kind: "text" },
      { name: "shape", kind: "text" },
    ]);
  });

  test("is the query itself where no value needs that", () => {
    const described = [{ name: "n", type: "int" }];
    expect(exactSelect({ text: ours("with a as (select 1 as n) select n from a") }, described).text.toString()).toBe(
      "with a as (select 1 as n) select n from a",
    );
    expect(
      exactSelect({ text: ours("select * from [o]"), orderBy: dialectId("sqlserver", "n") }, described).text.toString(),
    ).toBe("select * from [o] order by [n]");
  });

  test.each([
    [true, "1"],
    [Buffer.from([0, 255]), "\\x00ff"],
    [1e21, "1e+21"],
    [null, null],
    ["é", "é"],
  ])("reads the driver's %j as %j", (value, text) => {
    expect(textOf(value)).toBe(text);
  });
});

describe("the URL of a database", () => {
  const parse = (url: string) => parseSqlUrl(new Secret("SHOP_URL", url));

  test("says server, user, database and how TLS is to be", () => {
    expect(parse("sqlserver://sa:p%40ss@db.example/shop")).toEqual({
      host: "db.example",
      port: 1433,
      database: "shop",
      user: "sa",
      password: "p@ss",
      tls: { verify: true },
      shown: "sqlserver://sa@db.example:1433/shop (from ${SHOP_URL})",
    });
    expect(parse("mariadb://u:p@[::1]/s")).toMatchObject({ host: "::1", port: 3306, tls: false });
    expect(parse("mysql://u:p@h/s?sslmode=require").tls).toEqual({ verify: false });
    expect(parse("mysql://u:p@h/s?socket=/run/s").shown).toBe("mysql://u@/run/s/s (from ${SHOP_URL})");
  });

  test.each([
    ["canary", "text that is not a URL"],
    ["oracle://u:canary@h/d", "another beginning"],
    ["mysql://u:canary@h", "none"],
    ["mysql://u:canary%@h/d", "a % sign that is not an escape (write %25)"],
    ["mysql://u:canary@h/d?ssl=true", "the parameter ssl"],
    ["mysql://u:canary@h/d?sslmode=maybe", "maybe"],
    ["mysql://u:canary@h/d?sslrootcert=/nowhere/ca.pem", /ENOENT/],
  ])("fault 78: that is wrong is not shown: %s", (url, found) => {
    let error: Error | undefined;
    try {
      parse(url);
    } catch (thrown) {
      error = thrown as Error;
    }
    expect(error).toMatchObject({
      name: "UserError",
      message: "${SHOP_URL} is not the URL of a database",
      found: typeof found === "string" ? found : expect.stringMatching(found),
      hint: "correct the variable SHOP_URL",
    });
    expect(JSON.stringify([error, error!.message, error!.stack])).not.toContain("canary");
  });
});

describe("a driver", () => {
  test("that is not installed is asked for", async () => {
    await expect(importOptional("no-such-driver", servers, "reading it")).rejects.toMatchObject({
      name: "UserError",
      hint: "npm install no-such-driver",
    });
  });

  test.skipIf(noDriver)(
    "is taken from the project that is loaded, and says what to check when nobody answers",
    async () => {
      const url = new Secret("SHOP_URL", "sqlserver://sa:canary@127.0.0.1:1/shop?sslmode=disable");
      const pages = readSqlServer(url, { text: ours("select 1 as a") }, { projectDir: servers });
      const error = await pages.next().then(
        () => undefined,
        (thrown: Error) => thrown,
      );
      expect(error).toMatchObject({
        name: "UserError",
        message: "cannot connect to sqlserver://sa@127.0.0.1:1/shop (from ${SHOP_URL})",
        hint: expect.stringContaining("host and port"),
      });
      expect(JSON.stringify([error, error!.stack])).not.toContain("canary");
    },
  );
});
