module.exports = require("dataform-postgres/includes/totals");
