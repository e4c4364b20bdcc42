import { Type } from "typebox";
import { byDefault, closed, duration, listOf, mapOf, mayBeSecret, secret, text } from "../words.ts";
import { allowHosts, http, patience } from "./http.ts";
import { produce } from "./kafka.ts";
import { s3 } from "./s3.ts";

export const paging = closed(
  {
    cursorParam: Type.Optional(text("cursor: the query parameter that carries the cursor of the page before")),
    cursorPath: Type.Optional(text("cursor: where the answer holds the next cursor, such as meta.next")),
    pageParam: Type.Optional(text("page: the query parameter that counts pages")),
    firstPage: Type.Optional(
      Type.Integer({ minimum: 0, description: "page: the number of the first page; 1 where it is not set" }),
    ),
    offsetParam: Type.Optional(text("offset: the query parameter that counts records")),
    nextLink: Type.Optional(
      text("next link: where the answer holds the URL of the next page, or link for the Link header"),
    ),
    limitParam: Type.Optional(text("the query parameter for the size of a page")),
    limit: Type.Optional(Type.Integer({ minimum: 1, description: "records per page" })),
    totalPath: Type.Optional(
      text("where the answer holds the number of all records, to notice an answer that is cut short"),
    ),
    maxPages: byDefault(
      10_000,
      Type.Integer({ minimum: 1, description: "more pages than this are an endless answer" }),
    ),
  },
  "how the answer is divided into pages: by cursor, page, offset or next link",
);

const code = text("a code");
const status = closed(
  {
    path: text("where an answer of HTTP 200 holds its code, such as code; an answer without one is good"),
    ok: listOf(code, "codes of success", { minItems: 1 }),
    retry: byDefault([], listOf(code, "codes that another try may mend")),
  },
  "for APIs that tell errors by HTTP 200",
);

export const restConnector = closed(
  { ...http, paging: Type.Optional(paging), status: Type.Optional(status) },
  "an API that answers with JSON",
);

export const soapConnector = closed(http, "a service that answers with SOAP");

export const filesConnector = closed(
  {
    at: text("a folder, relative to the project, or https://…, s3://bucket/prefix, ftp://…, ftps://…, sftp://…"),
    s3: Type.Optional(s3),
    user: Type.Optional(text("ftp, sftp: the user")),
    password: Type.Optional(secret("ftp, sftp: the user's password")),
    privateKey: Type.Optional(secret("sftp: the user's private key")),
    hostKey: Type.Optional(text("sftp: the SHA-256 of the server's key, as ssh-keygen -l shows it")),
    headers: Type.Optional(mapOf(mayBeSecret("its value"), "https: headers of every request")),
    ...patience,
    allowHosts,
  },
  "files in a folder of some filesystem",
);

export const sqlConnector = closed(
  { url: secret("the database: postgresql://…, mysql://…, mariadb://…, sqlserver://…") },
  "another database",
);

const spool = closed(
  {
    for: byDefault("1h", duration("for which events are taken while the database does not answer")),
    maxMegabytes: byDefault(
      1024,
      Type.Integer({ minimum: 1, maximum: 1_048_576, description: "what may wait on the disk, in megabytes" }),
    ),
    folder: byDefault(
      ".dataform/spool",
      text("where it waits, on a disk that stays; one for all collectors of a machine"),
    ),
  },
  "events wait on the collector's disk while the database does not answer",
);

export const collectConnector = closed(
  {
    scope: byDefault("collect", text("what a write key must have")),
    dedupe: byDefault("7d", duration("in which an event that is sent again counts once")),
    clockSkew: byDefault("5m", duration("by which a sender's clock may be off before its times are put right")),
    maxEventBytes: byDefault(
      65_536,
      Type.Integer({ minimum: 256, maximum: 16_777_216, description: "the largest event" }),
    ),
    maxRequestBytes: byDefault(
      1_048_576,
      Type.Integer({ minimum: 1024, maximum: 268_435_456, description: "the largest request, unpacked" }),
    ),
    produce: Type.Optional(produce),
    spool: Type.Optional(spool),
  },
  "events that are sent over HTTP to `dataform collect`",
);
