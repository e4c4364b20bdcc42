import type { AuthDeclaration, HttpDeclaration, Secret } from "../../model/declarations.ts";
import { OAuth2Tokens, type TokenHttp } from "./oauth2.ts";
import { type Authorizer, createHttpReader, type HttpHooks, type HttpOptions, type HttpReader } from "./reader.ts";
import { checkHeader, Redactor } from "./redact.ts";

/** A reader of the declared API with its credentials. Every reader is to be closed. */
export function openReader(key: HttpOptions["key"], api: HttpDeclaration, hooks: HttpHooks): HttpReader {
  const { auth, allowHosts, retry, timeoutSeconds } = api;
  const redactor = new Redactor();
  const common = { ...hooks, key, retry, timeoutSeconds, redact: redactor.redact };
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(api.headers ?? {})) {
    checkHeader(value, `the header ${name}`);
    headers[name.toLowerCase()] = value;
  }
  return createHttpReader({
    ...common,
    policy: { trusted: [new URL(api.baseUrl)], ...(allowHosts ? { allowHosts } : {}) },
    headers,
    ...(auth ? { authorizer: createAuthorizer(auth, redactor, common) } : {}),
  });
}

function createAuthorizer(auth: AuthDeclaration, redactor: Redactor, http: TokenHttp): Authorizer {
  const { bearer, header, basic, oauth2 } = auth;
  if (oauth2) return new OAuth2Tokens(oauth2, redactor, http);
  if (basic) {
    const user = redactor.reveal(basic.user);
    const pair = Buffer.from(`${user}:${redactor.reveal(basic.password)}`).toString("base64");
    redactor.add(pair, basic.password.variable);
    return fixed({ authorization: `Basic ${pair}` }, "the user and password", basic.password);
  }
  const secret = bearer ?? header!.value;
  const value = redactor.reveal(secret);
  checkHeader(value, `the environment variable ${secret.variable}`);
  return bearer
    ? fixed({ authorization: `Bearer ${value}` }, "the token", secret)
    : fixed({ [header!.name.toLowerCase()]: value }, `the ${header!.name}`, secret);
}

function fixed(headers: Readonly<Record<string, string>>, what: string, { variable }: Secret): Authorizer {
  return {
    headers: async () => headers,
    renew: () => false,
    subject: `${what} in ${variable}`,
    hint: `check the environment variable ${variable}`,
  };
}
