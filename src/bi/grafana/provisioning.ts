/** The login that Grafana reads with, without its password. */
export interface GrafanaLogin {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Absent: a variable of Grafana's environment says it. */
  readonly user?: string;
  readonly sslmode: "disable" | "require" | "verify-ca" | "verify-full";
}

/** The variables of Grafana's own environment that its files name: those of each project, for it may have several. */
export function loginVariables(slug: string): { readonly user: string; readonly password: string } {
  const name = slug.toUpperCase().replaceAll("-", "_");
  return { user: `BI_USER_${name}`, password: `BI_PASSWORD_${name}` };
}

/** The first line of what it wrote: only over that it writes again. */
export const MADE_BY = "# made by `dataform bi grafana`: what is changed here is lost when it is made again\n";

/** `provisioning/datasources/…`: where the data are. */
export function dataSourceYaml(about: {
  readonly name: string;
  readonly slug: string;
  readonly uid: string;
  readonly login: GrafanaLogin;
  /** As `server_version_num`: Grafana itself takes a hundredth of it, so 1500 is 15 and 1800 is 18. */
  readonly serverVersion: number;
}) {
  const { name, slug, uid, login, serverVersion } = about;
  const variables = loginVariables(slug);
  const { host, port, database, user, sslmode } = login;
  const address = host.includes(":") ? `[${host}]:${port}` : host.startsWith("/") ? host : `${host}:${port}`;
  return `${MADE_BY}apiVersion: 1
datasources:
  - name: ${text(name)}
    uid: ${text(uid)}
    type: postgres
    access: proxy
    url: ${text(address)}
    user: ${user === undefined ? `$${variables.user}` : text(user)}
    jsonData:
      database: ${text(database)}
      sslmode: ${sslmode}
      postgresVersion: ${Math.floor(serverVersion / 100)}
      timescaledb: false
      maxOpenConns: 10
      maxIdleConns: 10
    secureJsonData:
      password: $${variables.password}
    editable: false
`;
}

/** `provisioning/dashboards/…`: which dashboards there are. */
export function providerYaml(
  folders: readonly { readonly title: string; readonly uid: string; readonly path: string }[],
): string {
  const providers = folders.map(
    ({ title, uid, path }) => `  - name: ${text(uid)}
    folder: ${text(title)}
    folderUid: ${text(uid)}
    type: file
    disableDeletion: false
    allowUiUpdates: false
    options:
      path: ${text(path)}
`,
  );
  return `${MADE_BY}apiVersion: 1
${providers.length ? `providers:\n${providers.join("")}` : "providers: []\n"}`;
}

/** A text in YAML: a string of JSON is one. Grafana replaces `$name` by a variable, and `$$` by a dollar. */
function text(value: string): string {
  return JSON.stringify(value).replaceAll("$", "$$$$");
}
