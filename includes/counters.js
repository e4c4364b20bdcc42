module.exports = require("dataform-postgres/includes/counters");
