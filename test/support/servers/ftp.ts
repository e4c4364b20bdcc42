import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../../src/postgres/embedded/port.ts";
import { findProgram, startChild, temporaryFolder } from "./child.ts";

const vsftpd = findProgram("vsftpd");

/** Whether this machine has an FTP server (Debian: vsftpd). */
export const hasFtp = vsftpd !== undefined;

export interface FtpServer {
  readonly port: number;
  /** Holds what the test puts there. */
  readonly folder: string;
  /** ftp://… of the folder. The host is "localhost" for the certificate's sake. */
  readonly url: string;
  /** With TLS: its own certificate (PEM), which nobody else vouches for. */
  readonly certificate: string | undefined;
}

/** vsftpd for anonymous visitors; with `tls` it speaks nothing else. */
export async function startFtp({ tls = false } = {}): Promise<FtpServer> {
  const home = temporaryFolder();
  const folder = join(home, "files");
  mkdirSync(folder);
  for (const path of [home, folder]) chmodSync(path, 0o755);
  const port = await freePort();
  const settings: Record<string, string | number> = {
    listen: "YES",
    listen_address: "127.0.0.1",
    listen_port: port,
    background: "NO",
    run_as_launching_user: "YES",
    anonymous_enable: "YES",
    anon_root: folder,
    anon_world_readable_only: "NO",
    allow_writeable_chroot: "YES",
    local_enable: "NO",
    seccomp_sandbox: "NO",
    xferlog_enable: "NO",
    ...(tls ? tlsSettings(home) : {}),
  };
  const config = join(home, "vsftpd.conf");
  writeFileSync(
    config,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
  await startChild(vsftpd!, [config], port);
  return {
    port,
    folder,
    url: `ftp://localhost:${port}${folder}`,
    certificate: tls ? readFileSync(join(home, "cert.pem"), "utf8") : undefined,
  };
}

function tlsSettings(home: string) {
  const [key, certificate] = [join(home, "key.pem"), join(home, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  spawnSync("openssl", [
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "2",
    "-keyout",
    key,
    "-out",
    certificate,
    ...subject,
  ]);
  return {
    ssl_enable: "YES",
    allow_anon_ssl: "YES",
    force_anon_logins_ssl: "YES",
    force_anon_data_ssl: "YES",
    rsa_private_key_file: key,
    rsa_cert_file: certificate,
    require_ssl_reuse: "YES",
    ssl_ciphers: "HIGH",
  };
}
