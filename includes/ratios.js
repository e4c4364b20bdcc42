module.exports = require("dataform-postgres/includes/ratios");
