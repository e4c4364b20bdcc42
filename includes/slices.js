module.exports = require("dataform-postgres/includes/slices");
