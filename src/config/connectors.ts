import { UserError } from "../model/errors.ts";
import {
  type AuthDeclaration,
  type ConnectorDeclaration,
  type ConnectorKind,
  type FilesDeclaration,
  type HttpDeclaration,
  type PagingDeclaration,
  Secret,
  type SqlDeclaration,
  type StatusDeclaration,
} from "../model/ingest.ts";
import { parseConnectionUrl } from "./connection.ts";
import type { YamlFile, YamlPath } from "./yaml.ts";

type Plain = Readonly<Record<string, unknown>>;

/** Variables are filled in, except that a text which is one `${NAME}` becomes a Secret that knows its name. */
export function connectorOf(
  kind: ConnectorKind,
  filled: object,
  yaml: YamlFile,
  projectDir: string,
): ConnectorDeclaration {
  const value = (filled as Readonly<Record<string, Plain>>)[kind]!;
  const at = (...path: YamlPath) => secretAt(yaml, [kind, ...path], value, path);
  switch (kind) {
    case "rest":
      return {
        kind,
        ...httpOf(kind, value, yaml),
        ...pagingOf(value.paging as PagingDeclaration | undefined, yaml),
        ...statusOf(value.status),
      };
    case "soap":
      return { kind, ...httpOf(kind, value, yaml) };
    case "sql":
      return sqlOf(at("url")!, yaml, projectDir);
    case "files":
      return filesOf(value, yaml, projectDir);
  }
}

function httpOf(kind: "rest" | "soap", value: Plain, yaml: YamlFile): HttpDeclaration {
  const { auth, headers, allowHosts } = value as {
    auth?: Plain;
    headers?: Record<string, string>;
    allowHosts?: string[];
  };
  const baseUrl = webAddress(String(value.baseUrl), [kind, "baseUrl"], yaml);
  return {
    baseUrl,
    ...(auth ? { auth: authOf(kind, auth, yaml) } : {}),
    ...(headers ? { headers } : {}),
    ...(allowHosts ? { allowHosts } : {}),
    ...patience(value),
  };
}

function statusOf(value: unknown): { status?: StatusDeclaration } {
  return value ? { status: { retry: [], ...(value as Omit<StatusDeclaration, "retry">) } } : {};
}

function patience(value: Plain) {
  const { retry, timeoutSeconds } = value as { retry?: Record<string, number>; timeoutSeconds?: number };
  return {
    retry: { attempts: retry?.attempts ?? 5, maxDelaySeconds: retry?.maxDelaySeconds ?? 30 },
    timeoutSeconds: timeoutSeconds ?? 60,
  };
}

function authOf(kind: "rest" | "soap", auth: Plain, yaml: YamlFile): AuthDeclaration {
  const at = (...path: YamlPath) => secretAt(yaml, [kind, "auth", ...path], auth, path);
  const { header, basic, oauth2 } = auth as Readonly<Record<string, Plain>>;
  if (header) return { header: { name: String(header.name), value: at("header", "value")! } };
  if (basic) return { basic: { user: String(basic.user), password: at("basic", "password")! } };
  if (!oauth2) return { bearer: at("bearer")! };
  const refreshToken = at("oauth2", "refreshToken");
  if ((oauth2.grant === "refresh_token") !== (refreshToken !== undefined)) {
    throw new UserError({
      message: refreshToken ? "a refresh token is for another grant" : "the grant refresh_token has no refresh token",
      ...yaml.locate([kind, "auth", "oauth2", refreshToken ? "refreshToken" : "grant"], "key"),
      expected: refreshToken ? "grant: refresh_token beside it" : 'refreshToken: "${NAME}" beside it',
    });
  }
  return {
    oauth2: {
      tokenUrl: webAddress(String(oauth2.tokenUrl), [kind, "auth", "oauth2", "tokenUrl"], yaml),
      clientId: String(oauth2.clientId),
      clientSecret: at("oauth2", "clientSecret")!,
      ...(refreshToken ? { refreshToken } : {}),
      ...(oauth2.scope ? { scope: String(oauth2.scope) } : {}),
    },
  };
}

const dialects: Readonly<Record<string, SqlDeclaration["dialect"]>> = {
  "postgresql:": "postgres",
  "postgres:": "postgres",
  "mysql:": "mysql",
  "mariadb:": "mysql",
  "sqlserver:": "sqlserver",
  "mssql:": "sqlserver",
};

function sqlOf(url: Secret, yaml: YamlFile, projectDir: string): SqlDeclaration {
  const value = url.reveal();
  const dialect = dialects[URL.canParse(value) ? new URL(value).protocol : ""];
  if (!dialect)
    throw new UserError({
      message: `sql.url is not the address of a database (it is written as ${url})`,
      ...yaml.locate(["sql", "url"]),
      expected: "postgresql://…, mysql://…, mariadb://… or sqlserver://user:password@host/database",
      hint: `correct the environment variable ${url.variable}`,
    });
  const settings = dialect === "postgres" ? { settings: () => parseConnectionUrl(value, url.variable) } : {};
  return { kind: "sql", url, dialect, projectDir, ...settings };
}

function filesOf(value: Plain, yaml: YamlFile, projectDir: string): FilesDeclaration {
  const at = (...path: YamlPath) => secretAt(yaml, ["files", ...path], value, path);
  const {
    at: place,
    s3,
    headers,
    user,
    hostKey,
    allowHosts,
  } = value as {
    at: string;
    s3?: { endpoint?: string; region?: string };
    headers?: Record<string, string>;
    user?: string;
    hostKey?: string;
    allowHosts?: string[];
  };
  const secrets = (...names: string[]) =>
    Object.fromEntries(names.map((name) => [name, at(name)]).filter(([, found]) => found)) as Record<string, Secret>;
  const keys = ["accessKeyId", "secretAccessKey", "sessionToken"].flatMap((name) => {
    const found = at("s3", name);
    return found ? [[name, found] as const] : [];
  });
  return {
    kind: "files",
    at: place,
    projectDir,
    ...(s3 ? { s3: { ...s3, ...Object.fromEntries(keys) } as NonNullable<FilesDeclaration["s3"]> } : {}),
    ...(user ? { user } : {}),
    ...secrets("password", "privateKey"),
    ...(hostKey ? { hostKey } : {}),
    ...(headers
      ? { headers: Object.fromEntries(Object.keys(headers).map((key) => [key, at("headers", key) ?? headers[key]!])) }
      : {}),
    ...(allowHosts ? { allowHosts } : {}),
    ...patience(value),
  };
}

const kinds = { cursorParam: "cursor", pageParam: "page", offsetParam: "offset", nextLink: "next link" } as const;

function pagingOf(paging: PagingDeclaration | undefined, yaml: YamlFile): { paging?: PagingDeclaration } {
  if (!paging) return {};
  const given = (Object.keys(kinds) as (keyof typeof kinds)[]).filter((key) => paging[key] !== undefined);
  const wrong = (message: string, key: string) =>
    new UserError({
      message,
      ...yaml.locate(["rest", "paging", key], "key"),
      expected: "cursorParam with cursorPath, or pageParam, or offsetParam, or nextLink",
    });
  if (given.length !== 1) throw wrong("paging is of one kind", given[1] ?? "");
  if (paging.cursorParam !== undefined && paging.cursorPath === undefined)
    throw wrong("cursorParam needs cursorPath", "cursorParam");
  if (paging.offsetParam !== undefined && paging.limit === undefined)
    throw wrong("offsetParam needs limit, to know where the next page begins", "offsetParam");
  return { paging: { ...paging, maxPages: paging.maxPages ?? 10_000 } };
}

function webAddress(address: string, path: YamlPath, yaml: YamlFile): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const fine = url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash;
  if (fine) return address;
  throw new UserError({
    message: `${path.join(".")} is not a web address (it is written as ${written(yaml, path)})`,
    ...yaml.locate(path),
    expected: "http://host or https://host, without user name, ? and #",
  });
}

/** The value as it stands in the file, its variables not filled in. */
function written(yaml: YamlFile, path: YamlPath): unknown {
  return path.reduce<unknown>((value, key) => (value as Plain | undefined)?.[key], yaml.value);
}

/** The Secret at a place where the file says `${NAME}` and nothing else. */
function secretAt(yaml: YamlFile, place: YamlPath, filled: Plain, path: YamlPath): Secret | undefined {
  const name = /^\$\{([A-Za-z_]\w*)\}$/.exec(String(written(yaml, place)))?.[1];
  const value = path.reduce<unknown>((found, key) => (found as Plain | undefined)?.[key], filled);
  return name === undefined || value === undefined ? undefined : new Secret(name, String(value));
}
