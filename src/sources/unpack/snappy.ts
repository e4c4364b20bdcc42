/**
 * Unpacks one block of Snappy.
 * @param check of the length that it says it has; throws where that is too much
 */
export async function unsnappy(packed: Uint8Array, check: (length: number) => number): Promise<Uint8Array> {
  const { compressors } = await import("hyparquet-compressors");
  return compressors.SNAPPY!(packed, check(snappyLength(packed)));
}

/** Snappy writes the length first, as a varint. */
function snappyLength(packed: Uint8Array): number {
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = packed[index] ?? 0;
    length += (byte & 0x7f) * 128 ** index;
    if (byte < 0x80) break;
  }
  return length;
}
