// The rule of the product temperatures that a project can set: whose regions are reported.

/** The country as SQL text: the project variable `temperatures_country`, France unless given. */
function country(vars) {
  const name = vars?.temperatures_country ?? "France";
  if (name.trim() === "") throw new Error("vars.temperatures_country must be the name of a country");
  return `'${name.replaceAll("'", "''")}'`;
}

module.exports = { country };
