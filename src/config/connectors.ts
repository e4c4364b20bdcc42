import type {
  AuthDeclaration,
  FilesDeclaration,
  HttpDeclaration,
  PagingDeclaration,
  RestDeclaration,
  SoapDeclaration,
  SqlDeclaration,
} from "../model/declarations.ts";
import type { Declared } from "../model/declared.ts";
import { UserError } from "../model/errors.ts";
import type { filesConnector, restConnector, soapConnector, sqlConnector } from "../schemas/ingest/connectors.ts";
import { parseConnectionUrl } from "./connection.ts";
import { variablesIn } from "./declare.ts";
import type { Place } from "./place.ts";

export function restOf(rest: Declared<typeof restConnector>, place: Place): RestDeclaration {
  checkHttp(rest, place);
  if (rest.paging) checkPaging(rest.paging, place.in("paging"));
  return { kind: "rest", ...rest };
}

export function soapOf(soap: Declared<typeof soapConnector>, place: Place): SoapDeclaration {
  checkHttp(soap, place);
  return { kind: "soap", ...soap };
}

export function filesOf(files: Declared<typeof filesConnector>, projectDir: string): FilesDeclaration {
  return { kind: "files", projectDir, ...files };
}

const dialects: Readonly<Record<string, SqlDeclaration["dialect"]>> = {
  "postgresql:": "postgres",
  "postgres:": "postgres",
  "mysql:": "mysql",
  "mariadb:": "mysql",
  "sqlserver:": "sqlserver",
  "mssql:": "sqlserver",
};

export function sqlOf({ url }: Declared<typeof sqlConnector>, place: Place, projectDir: string): SqlDeclaration {
  const value = url.reveal();
  // Nobody asks the source then.
  if (value === String(url)) return { kind: "sql", url, dialect: "postgres", projectDir };
  const dialect = dialects[URL.canParse(value) ? new URL(value).protocol : ""];
  if (!dialect)
    throw new UserError({
      message: `sql.url is not the address of a database (it is written as ${url})`,
      ...place.value("url"),
      expected: "postgresql://…, mysql://…, mariadb://… or sqlserver://user:password@host/database",
      hint: `correct the environment variable ${url.variable}`,
    });
  const settings = dialect === "postgres" ? { settings: () => parseConnectionUrl(value, url.variable) } : {};
  return { kind: "sql", url, dialect, projectDir, ...settings };
}

export function checkHttp({ baseUrl, auth }: Pick<HttpDeclaration, "baseUrl" | "auth">, place: Place): void {
  checkWebAddress(baseUrl, place.in("baseUrl"));
  if (auth?.oauth2) checkOAuth2(auth.oauth2, place.in("auth", "oauth2"));
}

export function checkOAuth2(
  { grant, refreshToken, tokenUrl }: NonNullable<AuthDeclaration["oauth2"]>,
  place: Place,
): void {
  if ((grant === "refresh_token") !== (refreshToken !== undefined)) {
    throw new UserError({
      message: refreshToken ? "a refresh token is for another grant" : "the grant refresh_token has no refresh token",
      ...place.key(refreshToken ? "refreshToken" : "grant"),
      expected: refreshToken ? "grant: refresh_token beside it" : 'refreshToken: "${NAME}" beside it',
    });
  }
  checkWebAddress(tokenUrl, place.in("tokenUrl"));
}

const kinds = ["cursorParam", "pageParam", "offsetParam", "nextLink"] as const;

function checkPaging(paging: PagingDeclaration, place: Place): void {
  const used = kinds.filter((key) => paging[key] !== undefined);
  const wrong = (message: string, key: string) =>
    new UserError({
      message,
      ...place.key(key),
      expected: "cursorParam with cursorPath, or pageParam, or offsetParam, or nextLink",
    });
  if (used.length !== 1) throw wrong("paging is of one kind", used[1] ?? "");
  if (paging.cursorParam !== undefined && paging.cursorPath === undefined)
    throw wrong("cursorParam needs cursorPath", "cursorParam");
  if (paging.offsetParam !== undefined && paging.limit === undefined)
    throw wrong("offsetParam needs limit, to know where the next page begins", "offsetParam");
}

function checkWebAddress(address: string, place: Place): void {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const fine = url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash;
  // Of a source that is not asked, what is not set stands as it is written.
  const isUnset = variablesIn(place.written()).some((name) => address.includes(`\${${name}}`));
  if (fine || isUnset) return;
  throw new UserError({
    message: `${place.path.join(".")} is not a web address (it is written as ${place.written()})`,
    ...place.value(),
    expected: "http://host or https://host, without user name, ? and #",
  });
}
