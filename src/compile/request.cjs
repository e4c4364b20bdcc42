// The CoreExecutionRequest message, encoded by hand: four nested messages do not need a protobuf library.
"use strict";

function encodeRequest(projectDir, files, overrides) {
  const config = [text(1, projectDir), ...files.map((file) => text(8, file))];
  const project = encodeProjectConfig(overrides ?? {});
  if (project.length) config.push(message(3, project));
  return Buffer.concat([message(1, message(1, Buffer.concat(config)))]).toString("base64");
}

function encodeProjectConfig({
  defaultSchema,
  assertionSchema,
  schemaSuffix,
  tablePrefix,
  disableAssertions,
  vars = {},
}) {
  const parts = [];
  if (defaultSchema) parts.push(text(2, defaultSchema));
  if (assertionSchema) parts.push(text(5, assertionSchema));
  if (schemaSuffix) parts.push(text(7, schemaSuffix));
  if (tablePrefix) parts.push(text(11, tablePrefix));
  if (disableAssertions) parts.push(Buffer.concat([varint((20 << 3) | 0), varint(1)]));
  for (const [key, value] of Object.entries(vars))
    parts.push(message(14, Buffer.concat([text(1, key), text(2, value)])));
  return Buffer.concat(parts);
}

function text(field, value) {
  return message(field, Buffer.from(value, "utf8"));
}

function message(field, bytes) {
  return Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  bytes.push(value);
  return Buffer.from(bytes);
}

module.exports = { encodeRequest };
