import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

// Certificates as a server needs them, made here: no tool has to be installed for it.

interface Authority {
  readonly name: string;
  readonly certificate: string;
  readonly key: KeyObject;
}

interface Certificate {
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

const KEY = { namedCurve: "P-256" };

/** Signs others, and itself. */
export function makeAuthority(name: string): Authority {
  const { publicKey, privateKey } = generateKeyPairSync("ec", KEY);
  const certificate = certificateOf({ subject: name, issuer: name, publicKey, signer: privateKey, isAuthority: true });
  return { name, certificate, key: privateKey };
}

/** For a server of these names, or for a client of this one. */
export function makeCertificate(authority: Authority, subject: string, hosts: readonly string[] = []): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", KEY);
  const certificate = certificateOf({ subject, issuer: authority.name, publicKey, signer: authority.key, hosts });
  return { certificate, key: privateKey.export({ type: "pkcs8", format: "pem" }) as string };
}

interface Wanted {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly isAuthority?: boolean;
  readonly hosts?: readonly string[];
}

function certificateOf({ subject, issuer, publicKey, signer, isAuthority = false, hosts = [] }: Wanted): string {
  const algorithm = sequence(oid("1.2.840.10045.4.3.2"));
  const extensions = [
    extension("2.5.29.19", sequence(...(isAuthority ? [der(0x01, Buffer.from([0xff]))] : []))),
    ...(hosts.length ? [extension("2.5.29.17", sequence(...hosts.map((host) => der(0x82, Buffer.from(host)))))] : []),
  ];
  const content = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    nameOf(issuer),
    sequence(time("20200101000000Z"), time("20991231235959Z")),
    nameOf(subject),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  );
  const bits = der(0x03, Buffer.concat([Buffer.from([0]), sign("sha256", content, signer)]));
  const lines = sequence(content, algorithm, bits)
    .toString("base64")
    .match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: readonly Buffer[]) => der(0x30, Buffer.concat(parts));
const time = (text: string) => der(0x18, Buffer.from(text));
const extension = (name: string, content: Buffer) => sequence(oid(name), der(0x04, content));
const nameOf = (text: string) => sequence(der(0x31, sequence(oid("2.5.4.3"), der(0x0c, Buffer.from(text)))));

function oid(name: string): Buffer {
  const [first, second, ...rest] = name.split(".").map(Number);
  const bytes = rest.flatMap((number) => {
    const parts = [number & 127];
    for (let more = number >> 7; more > 0; more >>= 7) parts.unshift((more & 127) | 128);
    return parts;
  });
  return der(0x06, Buffer.from([first! * 40 + second!, ...bytes]));
}
