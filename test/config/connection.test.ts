import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parseConnectionUrl, resolveConnection } from "../../src/config/connection.ts";
import { LIBPQ } from "../../src/config/libpq.ts";
import { connectionUrl } from "../../src/model/connection-settings.ts";
import { formatUserError, type UserErrorDetails } from "../../src/model/errors.ts";

/** A folder with these files, gone when the test ends. */
function folder(files: Readonly<Record<string, string>> = {}): string {
  const dir = mkdtempSync(join(tmpdir(), "connection-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  return dir;
}

const credentials = JSON.stringify(
  { host: "old.example", port: 5433, username: "etl", password: "s3cret", databaseName: "shop" },
  null,
  2,
);

function chosen(
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
  flags: { readonly url?: string; readonly credentials?: string } = {},
): string {
  try {
    const settings = resolveConnection(env, { projectDir: folder(files), ...flags });
    if (!settings) return "embedded";
    const over = settings.passedOver ? ` not ${settings.passedOver.join(", ")}` : "";
    return `${connectionUrl(settings)} from ${settings.source}${over}`;
  } catch (error) {
    return formatUserError(error as UserErrorDetails);
  }
}

test("the first place that names a database counts, and the others are told", () => {
  const url = { DATABASE_URL: "postgresql://u@url/d" };
  const pg = { PGHOST: "pg", PGUSER: "p" };
  const all = { ".df-credentials.json": credentials, ".env": "DATABASE_URL=postgresql://u@dotenv/d\n" };
  expect(chosen(all, { ...url, ...pg }, { url: "postgresql://u@flag/d" })).toBe(
    "postgresql://u@flag:5432/d from --url not DATABASE_URL, PGHOST, .df-credentials.json",
  );
  expect(chosen(all, { ...url, ...pg })).toBe(
    "postgresql://u@url:5432/d from DATABASE_URL not PGHOST, .df-credentials.json",
  );
  expect(chosen(all, pg)).toBe(
    "postgresql://u@dotenv:5432/d from DATABASE_URL in .env not PGHOST, .df-credentials.json",
  );
  const { ".df-credentials.json": file } = all;
  expect(chosen({ ".df-credentials.json": file, ".env": "PGPORT=5" }, pg)).toBe(
    "postgresql://p@pg:5/p from PGHOST not .df-credentials.json",
  );
  expect(chosen({ ".df-credentials.json": file })).toBe(
    "postgresql://etl:***@old.example:5433/shop?sslmode=require from .df-credentials.json",
  );
  expect(chosen({})).toBe("embedded");
  expect(chosen({ "profiles.yml": "" }, {}, { url: "embedded" })).toBe("embedded");
  expect(chosen({ "profiles.yml": "" }, { DATABASE_URL: "embedded", PGHOST: "pg" })).toBe("embedded");
});

test("credentials of Dataform 2 are read from the file that is named, and --url beside it is refused", () => {
  const path = join(folder({ "prod.json": credentials }), "prod.json");
  expect(chosen({}, { DATABASE_URL: "postgresql://x" }, { credentials: path })).toContain("from --credentials not");
  expect(chosen({}, { PGSSLMODE: "disable" }, { credentials: path })).toContain("?sslmode=disable from --credentials");
  expect(chosen({}, {}, { credentials: path, url: "embedded" })).toContain("both name a database");
  expect(chosen({}, {}, { credentials: "/nowhere.json" })).toContain("cannot read the credentials in /nowhere.json");
});

test.each([
  ["{", ".df-credentials.json: this is not JSON"],
  ["[]", "this is no JSON object"],
  ['{\n  "projectId": "p",\n  "location": "EU"\n}', ".df-credentials.json:2: these are credentials for BigQuery"],
  ['{ "accountId": "a" }', "credentials for Snowflake"],
  ['{ "host": "h", "port": 1, "username": "u", "password": "" }', "databaseName missing"],
  [credentials.replace("databaseName", "database"), '.df-credentials.json:6: unknown property "database"'],
  [credentials.replace('"shop"', "7"), ".df-credentials.json:6: databaseName is wrong"],
  [credentials.replace('"s3cret"', "7"), "found:    (not shown)"],
  [credentials.replace("}", ', "sshTunnel": {} }'), "an SSH tunnel is not made here"],
  [credentials.replace("}", ', "ssl": { "serverCertificate": "ca.pem" } }'), "serverCertificate is no PEM text"],
])("credentials that cannot be used are refused at their line: %s", (text, message) => {
  const said = chosen({ ".df-credentials.json": text });
  expect(said).toContain(message);
  expect(said).not.toContain("s3cret");
});

test("certificates in credentials are taken as Dataform 2 takes them, and the server's is verified", () => {
  const pem = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----";
  const text = JSON.stringify({ ...JSON.parse(credentials), ssl: { serverCertificate: pem } });
  expect(resolveConnection({}, { projectDir: folder({ ".df-credentials.json": text }) })?.ssl).toMatchObject({
    mode: "require",
    ca: pem,
  });
});

test.each([
  [{ DATABASE_URL: "" }, "DATABASE_URL is not a PostgreSQL connection URL"],
  [{ DATABASE_URL: "localhost/shop" }, "DATABASE_URL is not a PostgreSQL connection URL"],
  [{ DATABASE_URL: "mysql:h/d" }, "text that is not a URL"],
  [{ DATABASE_URL: "mysql://h/d" }, "a URL that begins with mysql://"],
  [{ DATABASE_URL: "host=localhost dbname=shop" }, "text that is not a URL"],
  [{ DATABASE_URL: "postgresql://h:many/d" }, "the port is wrong"],
  [{ DATABASE_URL: "postgresql://h/d?schema=public" }, "the schema of models is defaultSchema"],
  [{ DATABASE_URL: "postgresql://h/d?sslmod=require" }, "did you mean sslmode?"],
  [{ DATABASE_URL: "postgresql://a,b,c:1/d?port=1,2" }, "hosts and ports do not match"],
  [{ PGHOST: "" }, "PGHOST is empty, and nothing else says which database"],
  [{ PGPASSWORD: "s3cret" }, "PGPASSWORD is set, and nothing says which database"],
  [{ PGPASSFILE: "x" }, "PGPASSFILE is set, and nothing says which database"],
  [{ PGSSLMODE: "require" }, "PGSSLMODE is set, and nothing says which database"],
  [{ PGSERVICE: "shop", PGSERVICEFILE: "/nowhere" }, "PGSERVICEFILE: cannot read /nowhere"],
  [{ PGHOST: "h", PGPASSFILE: "/nowhere" }, "PGPASSFILE: cannot read /nowhere"],
  [{ PGHOST: "h", PGSSLMODE: "requre" }, "did you mean require?"],
  [{ PGHOST: "h", PGREQUIREPEER: "postgres" }, "PGREQUIREPEER cannot be done here"],
  [{ PGHOST: "h", PGCONNECT_TIMEOUT: "soon" }, "connect_timeout is wrong"],
])("what names a database wrongly or by half does not end in the embedded one: %j", (env, message) => {
  const said = chosen({}, env as Record<string, string>);
  expect(said).toContain(message);
  expect(said).not.toContain("s3cret");
});

test.each([
  ["profiles.yml", "shop: {}"],
  ["environments.json", "{}"],
  ["pg_service.conf", ""],
  [".pgpass", ""],
  [".env.local", "DATABASE_URL=postgresql://x/y"],
  [".env.production", "export PGHOST=x"],
  [".env", "DATABASE_URL: postgresql://x/y"],
  [".env", "# shop\nPGHOST"],
  [".env", "A=1\nexport POSTGRES_URL=postgresql://x/y"],
  [".env", 'DB_HOST="db"'],
  [".env", "\0D\0A"],
])("%s in a project says where the database may be and is refused with its place: %j", (file, text) => {
  const said = chosen({ [file]: text });
  expect(said).toMatch(new RegExp(`^${file.replaceAll(".", "\\.")}(:\\d)?: `));
  if (file !== ".env")
    expect(chosen({ [file]: text }, { DATABASE_URL: "postgresql://u@h/d" })).toContain("from DATABASE_URL");
});

test("a variable of a source may be called as others call that of the database, and one without a value says nothing", () => {
  const projectDir = folder({ ".env": "DB_URL=postgresql://x/y\n" });
  mkdirSync(join(projectDir, "ingest"));
  writeFileSync(join(projectDir, "ingest/shop.yaml"), "sql:\n  url: ${DB_URL}\n");
  expect(resolveConnection({}, { projectDir })).toBeUndefined();
  expect(chosen({ ".env": "POSTGRES_URL=\nPOSTGRES_USER=shop\n" })).toBe("embedded");
});

test.each([
  ["DATABSE_URL", "postgresql://u@h/d", "DATABASE_URL"],
  ["DATABASE_URI", "postgresql://u@h/d", "DATABASE_URL"],
  ["database_url", "postgresql://u@h/d", "DATABASE_URL"],
  ["PGHOTS", "db", "PGHOST"],
  ["PG_HOST", "db", "PGHOST"],
  ["PGDATABSE", "shop", "PGDATABASE"],
  ["PGSSLMOD", "verify-full", "PGSSLMODE"],
])("%s in .env or outside does not count, and is refused with the name that was meant", (name, value, meant) => {
  const said = `${name} in .env is not a setting\n  → did you mean ${meant}?`;
  expect(chosen({ ".env": `${name}=${value}\n` })).toContain(said);
  expect(chosen({ ".df-credentials.json": credentials, ".env": `${name}=${value}\n` })).toContain(said);
  expect(chosen({}, { [name]: value })).toContain(`${name} is not a setting`);
  expect(chosen({ ".env": `${name}=${value}\n` }, {}, { url: "embedded" })).toBe("embedded");
});

test("names of other programs that are near to ours are none of ours", () => {
  expect(chosen({ ".env": "DATABASE_SSL=true\nPGDATA=/var/x\nPGTZ=UTC\nPGHOTS=\n" })).toBe("embedded");
  const both = { ".env": "DATABASE_URI=mysql://h/d\nPGHOST2=replica\n" };
  expect(chosen(both, { DATABASE_URL: "postgresql://u@h/d", PGHOST: "h" })).toContain("from DATABASE_URL");
  expect(chosen({ ".env": "PG_HOST=h\nPG_PASSWORD=x\n" }, { DATABASE_URL: "postgresql://u@h/d" })).toContain("//u@h:");
  expect(chosen({ ".env": "PGSSLMOD=require\n" }, { DATABASE_URL: "postgresql://u@h/d" })).toContain("PGSSLMODE?");
  const flag = { url: "postgresql://u@h/d" };
  expect(chosen({ ".env": "DATABASE_URI=mysql://h/d" }, {}, flag)).toContain("from --url");
});

test("a key that stands twice in the credentials is refused with its line", () => {
  const twice = credentials.replace('"port"', '"host": "new.example",\n  "port"');
  expect(chosen({ ".df-credentials.json": twice })).toContain('.df-credentials.json:3: "host" stands twice');
});

test("an example of a .env file says nothing, and a byte order mark before the first name is none of it", () => {
  expect(chosen({ ".env.example": "DATABASE_URL=postgresql://x/y", ".env.test": "OTHER=1" })).toBe("embedded");
  expect(chosen({ ".env": "\uFEFFDATABASE_URL=postgresql://u@h/d" })).toContain("from DATABASE_URL in .env");
});

test("a URL is read as libpq reads it", () => {
  const read = (url: string) => parseConnectionUrl(url, "test");
  expect(
    read("postgres://u:p%40@h/d?application_name=nightly&options=-c%20work_mem%3D64MB&connect_timeout=3"),
  ).toMatchObject({
    host: "h",
    port: 5432,
    user: "u",
    password: "p@",
    database: "d",
    applicationName: "nightly",
    options: "-c work_mem=64MB",
    connectTimeout: 3000,
    ssl: { mode: "prefer" },
  });
  expect(read("postgresql://u@%2Fvar%2Frun%2Fpostgresql:5433/d")).toMatchObject({
    host: "/var/run/postgresql",
    port: 5433,
  });
  expect(read("postgresql:///d?host=/tmp&user=u")).toMatchObject({ host: "/tmp", database: "d", user: "u" });
  expect(read("postgresql://u@[::1]:5433,b,c:7/d?target_session_attrs=read-write")).toMatchObject({
    host: "::1",
    port: 5433,
    others: [
      { host: "b", port: 5432 },
      { host: "c", port: 7 },
    ],
    targetSession: "read-write",
  });
  expect(read("postgresql://u@name/d?hostaddr=127.0.0.1")).toMatchObject({ host: "name", hostaddr: "127.0.0.1" });
  expect(read("postgresql://h/d?ssl=true")).toMatchObject({ ssl: { mode: "require" } });
  expect(read("postgresql://h/d?sslrootcert=system")).toMatchObject({ ssl: { mode: "verify-full" } });
  expect(read("postgresql://h/d?sslmode=require&channel_binding=require")).toMatchObject({ channelBinding: "require" });
  for (const url of ["postgresql://u:p@a:1,[::2]:2/d?sslmode=require", "postgresql://u@/d?host=%2Ftmp&port=7"])
    expect(connectionUrl(read(url), { password: true })).toBe(url);
});

test("a service is found by its name, what is said beside it wins, and a password comes from the file for it", () => {
  const dir = folder({
    "services.conf": "# ours\n[other]\nhost=o\n\n[shop]\nhost=shop.example\nport=5433\ndbname=shop\nuser=etl\n",
    passwords: "shop.example:5433:shop:etl:with\\:colon\n",
  });
  const env = { PGSERVICE: "shop", PGSERVICEFILE: join(dir, "services.conf"), PGPASSFILE: join(dir, "passwords") };
  expect(resolveConnection(env, { projectDir: dir })).toMatchObject({
    host: "shop.example",
    port: 5433,
    user: "etl",
    password: "with:colon",
    source: "PGSERVICE",
  });
  expect(
    resolveConnection({ ...env, PGSERVICE: "" }, { projectDir: dir, url: "postgresql://u@h/d?service=other" }),
  ).toMatchObject({
    host: "h",
    database: "d",
  });
  expect(chosen({}, { ...env, PGSERVICE: "none" })).toContain("PGSERVICE names the service none, which is not there");
});

test("every parameter of libpq is done or refused, by its name and by its variable", () => {
  const silent = LIBPQ.filter(({ not, may }) => not === undefined && may === undefined).map(({ name }) => name);
  const usable: Readonly<Record<string, string>> = {
    port: "5433",
    connect_timeout: "7",
    target_session_attrs: "primary",
    sslmode: "require",
    channel_binding: "require",
  };
  // Files: other tests name some.
  const files = ["passfile", "service", "servicefile", "sslrootcert", "sslcert", "sslkey", "sslcrl"];
  const plain = JSON.stringify(parseConnectionUrl("postgresql://", "test"));
  for (const name of silent.filter((one) => !files.includes(one))) {
    const value = usable[name] ?? "x";
    expect([name, JSON.stringify(parseConnectionUrl(`postgresql://?${name}=${value}`, "test"))]).not.toEqual([
      name,
      plain,
    ]);
  }
  for (const { name } of LIBPQ.filter((one) => one.not !== undefined))
    expect(() => parseConnectionUrl(`postgresql://?${name}=1`, "test")).toThrow(`test: ${name} cannot be done here`);
  for (const { name } of LIBPQ.filter((one) => one.may))
    expect(() => parseConnectionUrl(`postgresql://?${name}=nonsense`, "test")).toThrow(`test: ${name} is not what`);
});

test("the publisher's login is another user of the same database; what its URL leaves out is as the other says", () => {
  const publisher = (publisherUrl: string, env: Readonly<Record<string, string>>, roles = "df") => {
    try {
      const settings = resolveConnection(env, { projectDir: folder(), publisherUrl, ...(roles ? { roles } : {}) });
      return settings?.publisher && connectionUrl(settings.publisher, { password: true });
    } catch (error) {
      return (error as UserErrorDetails).found;
    }
  };
  const database = { DATABASE_URL: "postgresql://build:x@db:5433/shop?sslmode=require" };
  const own = "postgresql://publish:y@db:5433/shop?sslmode=require";
  expect(publisher("postgresql://publish:y@", database)).toBe(own);
  expect(publisher("postgresql://publish:y@db:5433/shop", database)).toBe(own);
  const variables = { PGHOST: "db", PGUSER: "build", PGPASSWORD: "x", PGDATABASE: "shop" };
  expect(publisher("postgresql://publish:y@", variables)).toBe("postgresql://publish:y@db:5432/shop");
  expect(publisher("postgresql://publish@", variables)).toBe("postgresql://publish@db:5432/shop");
  for (const [url, env, roles, found] of [
    ["postgresql://publish:y@other/shop", database, "df", "it names another database than DATABASE_URL"],
    ["postgresql://build:y@", database, "df", "DATABASE_URL names the same user"],
    ["postgresql:///shop", database, "df", "it names no user"],
    [own, database, "", "no roles are asked for: without them everything happens as one user"],
    [own, { DATABASE_URL: "embedded" }, "df", "the embedded PostgreSQL has users of its own"],
    [own, {}, "df", "nothing else says which database"],
  ] as const)
    expect([url, publisher(url, env, roles)]).toEqual([url, found]);
});

test("the reader's login is another user of the same database, without roles, too", () => {
  const read = (readerUrl: string, env: Readonly<Record<string, string>>) =>
    resolveConnection(env, { projectDir: folder(), readerUrl });
  const database = { DATABASE_URL: "postgresql://build:x@db:5433/shop?sslmode=require", DATAFORM_ROLES: "df" };
  const settings = read("postgresql://ann:y@", database)!;
  expect(connectionUrl(settings.reader!, { password: true })).toBe("postgresql://ann:y@db:5433/shop?sslmode=require");
  expect([settings.user, settings.roles, settings.reader!.roles]).toEqual(["build", "df", undefined]);
  expect(() => read("postgresql://ann:y@other", database)).toThrow("--reader-url (DATAFORM_READER_URL) means nothing");
  expect(() => read("postgresql://ann:y@", {})).toThrow("--reader-url (DATAFORM_READER_URL) means nothing");
});

test.each(["s3c/r3t", "s3c?r3t", "s3c?r=3t", "12/s3c", "p@12/s3c", "12?s3c", "s3c/r?3t", "p@1?s3c"])(
  "no part of the password %s, which a URL cannot hold as it is, is shown or taken for something else",
  (password) => {
    const told = chosen({}, {}, { url: `postgresql://ann:${password}@db.example:5432/shop` });
    expect(told).toMatch(/in a password, write %2F for \/, %3F for \?|without a name or a value/);
    for (const part of password.split(/[/?=@]/)) if (part.length > 2) expect(told).not.toContain(part);
  },
);
