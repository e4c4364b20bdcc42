import { Type } from "typebox";
import { anyText, byDefault, closed, listOf, mapOf, oneOf, secret, text } from "../words.ts";

export const retry = closed(
  {
    attempts: byDefault(
      5,
      Type.Integer({ minimum: 1, maximum: 20, description: "tries per request, the first one included" }),
    ),
    maxDelaySeconds: byDefault(
      30,
      Type.Number({
        minimum: 0,
        maximum: 3600,
        description: "the longest single wait; a server that asks for more fails the stream",
      }),
    ),
  },
  "how often, and after which waits, a request is tried again",
);

/** How long is waited, of every source that is asked over a network. */
export const patience = {
  retry: byDefault({}, retry),
  timeoutSeconds: byDefault(
    60,
    Type.Number({ exclusiveMinimum: 0, description: "seconds for one request, from connecting to the last byte" }),
  ),
};

export const allowHosts = Type.Optional(
  listOf(text("a host"), "other hosts that links, redirects and downloads may lead to, never with the credentials"),
);

const oauth2 = closed(
  {
    grant: Type.Optional(
      oneOf(
        ["client_credentials", "refresh_token"],
        "client_credentials where it is not set; refresh_token: in the name of the user who gave the token",
      ),
    ),
    tokenUrl: text("where tokens are asked for"),
    clientId: text("the client's public name"),
    clientSecret: secret("the client's secret"),
    refreshToken: Type.Optional(secret("the token that the user gave")),
    scope: Type.Optional(text("what the token is for")),
  },
  "OAuth2: client credentials, or a refresh token",
);

export const auth = closed(
  {
    bearer: Type.Optional(secret("the token of Authorization: Bearer")),
    header: Type.Optional(
      closed({ name: text("the header, such as X-Api-Key"), value: secret("the key") }, "a header of the API's own"),
    ),
    basic: Type.Optional(closed({ user: text("the user"), password: secret("the password") }, "Authorization: Basic")),
    oauth2: Type.Optional(oauth2),
  },
  "one of bearer, header, basic, oauth2",
  { minProperties: 1, maxProperties: 1 },
);

/** What every source that speaks HTTP has. */
export const http = {
  baseUrl: text("where the API lives, usually ${NAME}_API_URL"),
  auth: Type.Optional(auth),
  headers: Type.Optional(mapOf(anyText("its value"), "headers of every request")),
  ...patience,
  allowHosts,
};
