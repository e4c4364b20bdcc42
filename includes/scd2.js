module.exports = require("dataform-postgres/includes/scd2");
