const constants = require("./constants");
function inCountries(column) { return `${column} in (${constants.COUNTRIES.map(c => `'${c}'`).join(", ")})`; }
module.exports = { inCountries, taxed: column => `${column} * ${constants.RATE}` };
