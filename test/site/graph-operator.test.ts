import { expect, test } from "vitest";
import { selected } from "../../src/site/page/graph-operator.ts";

const relations = [...["daily", "x+1", "1+x", "a.b"].map((name) => ["shop", name]), ["sh.op", "daily"]].map(
  ([schema = "", name = ""]) => ({ schema, name }),
);
const project = {
  core: { relations },
  places: new Map(relations.map(({ schema, name }, place) => [`${schema}\0${name}`, place])),
};

test.each([
  ["shop.daily", "shop.daily", "1", "1"],
  ["+shop.daily", "shop.daily", "all", "0"],
  ["shop.daily+", "shop.daily", "0", "all"],
  ["+shop.daily+2", "shop.daily", "all", "2"],
  ["3+sh.op.daily+007", "sh.op.daily", "3", "7"],
  // Names as they are come first.
  ["x+1", "shop.x+1", "1", "1"],
  ["1+x", "shop.1+x", "1", "1"],
  ["x+1+2", "shop.x+1", "0", "2"],
  ["+1+x", "shop.1+x", "all", "0"],
  ["2+a.b+", "shop.a.b", "2", "all"],
])("%s is %s with %s steps up and %s down", (text, name, up, down) => {
  const { place, ...steps } = selected(project, text)!;
  const { schema, name: own } = project.core.relations[place]!;
  expect([`${schema}.${own}`, steps]).toEqual([name, { up, down }]);
});

test.each(["", "+", "daily", "+daily+2", "shop.nothing+1", "+shop."])("%j names no relation, or several", (text) => {
  expect(selected(project, text)).toBeUndefined();
});
