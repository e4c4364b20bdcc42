import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { crc32, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UserError } from "../../src/model/errors.ts";
import { unpack } from "../../src/sources/unpack/unpack.ts";

const hasZstd = spawnSync("zstd", ["--version"]).status === 0;
const zstd = (data: Uint8Array, ...options: string[]): Buffer => {
  const { status, stdout } = spawnSync("zstd", ["-q", "-c", ...options], { input: data, maxBuffer: 2 ** 30 });
  expect(status).toBe(0);
  return stdout;
};

async function* pieces(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

async function unpacked(data: Uint8Array, size = 64 * 1024, maxBytes = 1e9): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of unpack(pieces(data, size), "orders.csv.gz", { maxBytes })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function failure(work: Promise<unknown>): Promise<UserError> {
  const error = await work.then(
    () => expect.fail("nothing was thrown"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  expect((error as UserError).message).toContain("orders.csv.gz");
  return error as UserError;
}

const text = Buffer.from("id,name\n1,Zoë\n2,𝄞\n".repeat(20_000));

describe("what is unpacked", () => {
  test("a plain file is passed on as it is, an empty one too", async () => {
    expect((await unpacked(text, 7000)).equals(text)).toBe(true);
    expect((await unpacked(Buffer.from("a"))).equals(Buffer.from("a"))).toBe(true);
    expect((await unpacked(Buffer.alloc(0))).equals(Buffer.alloc(0))).toBe(true);
  });

  test("gzip is, with any number of members and pieces of any size", async () => {
    const members = Buffer.concat([gzipSync(text), gzipSync(Buffer.alloc(0)), gzipSync(text)]);
    for (const size of [1, 17, 4096, 1e6])
      expect((await unpacked(members, size)).equals(Buffer.concat([text, text]))).toBe(true);
    expect((await unpacked(gzipSync(Buffer.alloc(0)))).equals(Buffer.alloc(0))).toBe(true);
  });

  test("gzip is, with zeros behind it as from a tape", async () => {
    expect((await unpacked(Buffer.concat([gzipSync(text), Buffer.alloc(1000)]), 100)).equals(text)).toBe(true);
  });

  test.skipIf(!hasZstd)("zstd is, with any number of frames, levels and pieces (needs the program zstd)", async () => {
    const noise = randomBytes(300_000);
    const skippable = Buffer.from([0x51, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    const frames = [
      zstd(text),
      skippable,
      zstd(noise, "-19"),
      zstd(text, "--no-check", "--fast=5"),
      zstd(Buffer.alloc(0)),
    ];
    const expected = Buffer.concat([text, noise, text]);
    for (const size of [1, 1000, 1e6])
      expect((await unpacked(Buffer.concat(frames), size)).equals(expected)).toBe(true);
    expect((await unpacked(Buffer.concat([skippable, zstd(text)]))).equals(text)).toBe(true);
  });

  test.skipIf(!hasZstd)("zstd checksums of contents of every length are right (needs the program zstd)", async () => {
    for (const length of [1, 3, 4, 7, 8, 31, 32, 33, 63, 64, 65, 100, 131_072, 131_073, 500_001]) {
      const data = randomBytes(length);
      expect((await unpacked(zstd(data))).equals(data)).toBe(true);
    }
  });

  test("a checksum of zstd is XXH64 of the content: one that is published is right, another is refused", async () => {
    const published = {
      "": "ef46db3751d8e999",
      a: "d24ec4f1a98c6e5b",
      abc: "44bc2cf5ad770999",
      "Nobody inspects the spammish repetition": "fbcea83c8a378bf1",
    };
    for (const [content, xxh64] of Object.entries(published)) {
      // One frame (content size and checksum are there) of one last block that is not packed, header and content.
      const checksum = Buffer.from(xxh64, "hex").subarray(4).reverse();
      const block = Buffer.from([1 | ((content.length << 3) & 0xff), content.length >> 5, 0]);
      const frame = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x24, content.length]), block, Buffer.from(content)];
      expect((await unpacked(Buffer.concat([...frame, checksum]))).toString()).toBe(content);
      checksum[0]! ^= 1;
      expect((await failure(unpacked(Buffer.concat([...frame, checksum])))).found).toBe("the checksum is wrong");
    }
  });

  test("a reader that stops early closes the file", async () => {
    for (const data of [text, gzipSync(text), ...(hasZstd ? [zstd(text)] : [])]) {
      let closed = false;
      const source = async function* () {
        try {
          for (;;) yield data;
        } finally {
          closed = true;
        }
      };
      for await (const _ of unpack(source(), "orders.csv.gz", { maxBytes: 1e9 })) break;
      expect(closed).toBe(true);
    }
  });

  test("a failure of the source comes through as it is", async () => {
    const lost = new Error("connection lost");
    const source = async function* () {
      yield gzipSync(text).subarray(0, 50);
      throw lost;
    };
    const read = async () => {
      for await (const _ of unpack(source(), "orders.csv.gz", { maxBytes: 1e9 }));
    };
    await expect(read()).rejects.toBe(lost);
  });
});

describe("fault 46: packed files that are cut, damaged or hostile", () => {
  const small = Buffer.from("id,name\n1,Zoë\n2,𝄞\n");

  test("gzip cut at every byte is refused", async () => {
    const packed = gzipSync(small);
    // Fewer than two bytes do not tell what they are.
    for (let length = 2; length < packed.length; length++) {
      expect((await failure(unpacked(packed.subarray(0, length)))).message).toContain("is cut");
    }
  });

  test("gzip cut in its second member is refused", async () => {
    const one = gzipSync(small);
    for (let length = 1; length < one.length; length++) {
      await failure(unpacked(Buffer.concat([one, one.subarray(0, length)])));
    }
  });

  test("gzip with a wrong checksum or length is refused", async () => {
    const packed = gzipSync(small);
    for (const from of [8, 4]) {
      const wrong = Buffer.from(packed);
      wrong[wrong.length - from]! ^= 1;
      expect((await failure(unpacked(wrong))).message).toContain("is damaged");
    }
  });

  test("gzip with something behind its end is refused, behind zeros too", async () => {
    const packed = gzipSync(small);
    for (const tail of [Buffer.from("garbage"), Buffer.concat([Buffer.alloc(30), packed])]) {
      for (const size of [3, 1e6]) await failure(unpacked(Buffer.concat([packed, tail]), size));
    }
  });

  test.skipIf(!hasZstd)("zstd cut at every byte is refused (needs the program zstd)", async () => {
    const one = zstd(small);
    for (const packed of [one, zstd(small, "--no-check"), Buffer.concat([one, one])]) {
      for (let length = 4; length < packed.length; length++) {
        // Between two frames nobody can tell.
        if (length !== one.length) await failure(unpacked(packed.subarray(0, length)));
      }
    }
  });

  test.skipIf(!hasZstd)(
    "zstd with any bit wrong is refused or unpacks to the same (needs the program zstd)",
    async () => {
      const packed = zstd(text.subarray(0, 5000));
      await fc.assert(
        fc.asyncProperty(fc.nat(packed.length - 1), fc.nat(7), async (at, bit) => {
          const wrong = Buffer.from(packed);
          wrong[at]! ^= 1 << bit;
          const result = await unpacked(wrong).catch((error: unknown) => error);
          // Without its magic number it is a plain file.
          if (at < 4) return;
          expect(result instanceof UserError || (result as Buffer).equals(text.subarray(0, 5000))).toBe(true);
        }),
        { numRuns: 300 },
      );
    },
  );

  test("a bomb of gzip is refused soon after its first 10 MB", async () => {
    const bomb = gzipSync(Buffer.alloc(48 * 1024 * 1024));
    let bytes = 0;
    const read = async () => {
      for await (const chunk of unpack(pieces(bomb, 65_536), "orders.csv.gz", { maxBytes: 1e12 }))
        bytes += chunk.length;
    };
    expect((await failure(read())).message).toContain("more than 100 times");
    expect(bytes).toBeLessThan(21 * 1024 * 1024);
  });

  test.skipIf(!hasZstd)("a bomb of zstd is refused soon after its first 10 MB (needs the program zstd)", async () => {
    const bomb = zstd(Buffer.alloc(48 * 1024 * 1024));
    expect((await failure(unpacked(bomb))).message).toContain("more than 100 times");
  });

  test("a bomb of many members is refused", async () => {
    const member = gzipSync(Buffer.alloc(1024 * 1024));
    const bomb = Buffer.concat(Array.from({ length: 30 }, () => member));
    expect((await failure(unpacked(bomb))).message).toContain("more than 100 times");
  });

  test("zstd that asks for two gigabytes of memory is refused before it gets them", async () => {
    const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00]);
    expect((await failure(unpacked(header))).found).toContain("window");
  });

  test("a file larger than maxBytes is refused, plain or packed", async () => {
    for (const data of [text, gzipSync(text)]) {
      expect((await failure(unpacked(data, 65_536, 1000))).expected).toContain("1,000 bytes");
    }
    expect((await unpacked(text, 65_536, text.length)).equals(text)).toBe(true);
  });

  test("what is packed twice is refused", async () => {
    const twice = await failure(unpacked(gzipSync(gzipSync(text))));
    expect(twice).toMatchObject({ found: "gzip inside gzip" });
    const tar = Buffer.alloc(1024);
    tar.write("ustar", 257);
    expect(await failure(unpacked(gzipSync(tar)))).toMatchObject({ found: "tar inside gzip" });
    expect(await failure(unpacked(gzipSync(zip("a.csv", small))))).toMatchObject({ found: "zip inside gzip" });
  });

  test("archives are refused by name, whatever they would unpack to", async () => {
    const tar = Buffer.alloc(1024);
    tar.write("ustar", 257);
    const files: Readonly<Record<string, Buffer>> = {
      zip: zip("../../x", small),
      "7z": Buffer.from("377abcaf271c0004", "hex"),
      xz: Buffer.from("fd377a585a000004", "hex"),
      bz2: Buffer.from("425a6839314159265359", "hex"),
      rar: Buffer.from("526172211a0701", "hex"),
      tar,
    };
    for (const [packing, data] of Object.entries(files)) {
      const error = await failure(unpacked(data));
      expect(error).toMatchObject({ found: packing, expected: "a plain file, gzip or zstd" });
    }
  });

  test("text that begins like an archive's name is text", async () => {
    for (const begin of ["PK,id\n", "BZh9,x\n", "Rar,7z\n", "ustar\n"]) {
      expect((await unpacked(Buffer.from(begin))).toString()).toBe(begin);
    }
  });
});

/** A zip with one stored file. */
function zip(name: string, data: Buffer): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt32LE(crc32?.(data) ?? 0, 14);
  header.writeUInt32LE(data.length, 18);
  header.writeUInt32LE(data.length, 22);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, Buffer.from(name), data]);
}
