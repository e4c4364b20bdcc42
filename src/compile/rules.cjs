// What `assertions: {…}` of a config says beside what core knows: a rule of a column, or of all rows. Each is an assertion of its
// own, which is called by both, so that a failure names them.
"use strict";

const { isPlain } = require("./dataform2/forms.cjs");

// What an assertion of a model's config asks for, in place of its query.
const ASKED = "\uE005";

function rulesIn({ acceptedValues = {}, relationships = {}, rowCount }) {
  const rule = (name, column, said) => ({ rule: name, ...(column === undefined ? {} : { column }), ...said });
  const references = Object.entries(relationships).map(([column, said]) => {
    const { to, column: key = column } = isPlain(said) ? said : { to: said };
    const { dataset, ...target } = isPlain(to) ? to : {};
    return rule("relationships", column, {
      key,
      to: isPlain(to) ? { ...target, ...(dataset ? { schema: dataset } : {}) } : to,
    });
  });
  return [
    ...Object.entries(acceptedValues).map(([column, values]) =>
      rule("acceptedValues", column, { values: values.map(String) }),
    ),
    ...references,
    ...(rowCount ? [rule("rowCount", undefined, rowCount)] : []),
  ];
}

/** What core is given of them. */
function withoutRules({ acceptedValues: _, relationships: __, rowCount: ___, ...known }) {
  return known;
}

/** Makes the assertions, as core makes those that it knows. */
function addRules(session, builder, said) {
  if (!isPlain(said)) return;
  const { target, fileName, tags, disabled } = builder.proto;
  const { builtinAssertionNamePrefix: prefix } = session.projectConfig;
  for (const { to, ...asked } of rulesIn(said)) {
    const words = [prefix, target.schema, target.name, "assertions", asked.rule, asked.column?.replaceAll(".", "_")];
    const name = words.filter(Boolean).join("_");
    const made = session.assert(name, { filename: fileName });
    made.query((context) => {
      const found = { from: context.ref(target), ...asked, ...(to === undefined ? {} : { to: context.ref(to) }) };
      return ASKED + JSON.stringify(found);
    });
    made.setParentAction(target);
    if (tags?.length) made.tags(tags);
    if (disabled) made.disabled();
    // Core's own go with the model: they are disabled with it, and taken back with it.
    builder.uniqueKeyAssertions = [...(builder.uniqueKeyAssertions ?? []), made];
  }
}

module.exports = { ASKED, addRules, withoutRules };
