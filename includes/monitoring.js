module.exports = require("dataform-postgres/includes/monitoring");
